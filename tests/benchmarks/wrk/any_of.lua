-- GET one of many: the argument is how many there are, their numbers follow the URL's path.
require("report")
local most, path = 1, ""

function init(arguments)
  most = tonumber(arguments[1])
  path = wrk.path
  math.randomseed(os.time())
end

function request()
  return wrk.format("GET", path .. math.random(most))
end
