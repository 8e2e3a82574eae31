require("report")
-- POST /session/end: a room whose session has ended, one of as many as the argument says.
local most = 1
local headers = { ["Content-Type"] = "application/json" }

function init(arguments)
  most = tonumber(arguments[1])
  math.randomseed(os.time())
end

function request()
  local body = string.format('{"roomName": "load-%d"}', math.random(most))
  return wrk.format("POST", "/session/end", headers, body)
end
