require("report")
-- POST /telephony/livekit-webhook: signed events, one on each two lines of the file that the
-- argument names: the Authorization header, the body. Each is sent once; then wrk stops.
local events, number = {}, 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    events[#events + 1] = line
  end
end

function request()
  local at = number * 2
  number = number + 1
  if at >= #events then
    wrk.thread:stop()
    return wrk.format("GET", "/health")
  end
  local headers = {
    ["Content-Type"] = "application/webhook+json",
    ["Authorization"] = events[at + 1],
  }
  return wrk.format("POST", "/telephony/livekit-webhook", headers, events[at + 2])
end
