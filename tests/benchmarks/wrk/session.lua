require("report")
-- POST /session: a person, and a room that nobody has used. The argument, if any, begins its name;
-- else the service names it.
local prefix, number = "", 0
local headers = { ["Content-Type"] = "application/json" }

function init(arguments)
  prefix = arguments[1] or ""
end

function request()
  number = number + 1
  local room = prefix == "" and "" or string.format('"roomName": "%s-%d", ', prefix, number)
  local body = string.format(
    '{"userIdentity": "user-%d", %s"agentConfig": {"greeting": "Hello %d!"}}',
    number, room, number)
  return wrk.format("POST", "/session", headers, body)
end
