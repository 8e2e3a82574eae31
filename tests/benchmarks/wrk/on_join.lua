require("report")
-- POST /session with on_join: a person and a room that nobody has used.
local number = 0
local headers = { ["Content-Type"] = "application/json" }

function request()
  number = number + 1
  local body = string.format(
    '{"userIdentity": "user-%d", "dispatch": "on_join", "agentConfig": {"greeting": "Hello %d!"}}',
    number, number)
  return wrk.format("POST", "/session", headers, body)
end
