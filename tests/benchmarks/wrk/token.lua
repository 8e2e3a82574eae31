require("report")
-- POST /livekit/token, as LiveKit's client SDKs send it for a new room.
local headers = { ["Content-Type"] = "application/json" }

function request()
  return wrk.format("POST", "/livekit/token", headers, "{}")
end
