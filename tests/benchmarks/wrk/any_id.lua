-- GET one of many by its id: the argument is how many there are, numbered as growth.py makes them.
require("report")
local most, path = 1, ""

function init(arguments)
  most = tonumber(arguments[1])
  path = wrk.path
  math.randomseed(os.time())
end

function request()
  local number = math.random(most)
  return wrk.format("GET", path .. string.format("%08x-0000-7000-8000-%012x", number, number))
end
