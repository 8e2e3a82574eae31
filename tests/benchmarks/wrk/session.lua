require("report")
-- POST /session: a person and a room that nobody has used. The argument makes rooms of this run.
local run, number = "", 0
local headers = { ["Content-Type"] = "application/json" }

function init(arguments)
  run = arguments[1]
end

function request()
  number = number + 1
  local body = string.format(
    '{"userIdentity": "user-%d", "agentConfig": {"greeting": "Hello %d!"}}',
    number, number)
  return wrk.format("POST", "/session", headers, body)
end
