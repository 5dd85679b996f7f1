-- What each worker notes of requests: how many there were, and which routes were used. It is written to what all workers share once a
-- second, and not for each request.
local routes = require("routes")

local SECONDS = 1
local counts = ngx.shared.jld_counts
local CLASSES = {[2] = "2xx", [3] = "3xx", [4] = "4xx", [5] = "5xx"}

local notes = {}
local counted = {hub = {}, lab = {}}
local used = {}

-- One request to this side, "hub" or "lab", was answered. A WebSocket counts among 2xx.
function notes.count(side, status)
  local class = (status - status % 100) / 100
  local counters = counted[side]
  counters[class] = (counters[class] or 0) + 1
end

-- Somebody used the route with this path.
function notes.use(path)
  used[path] = ngx.now()
end

local function write()
  for side, counters in pairs(counted) do
    for class, number in pairs(counters) do
      counts:incr(side .. CLASSES[math.max(2, math.min(5, class))], number, 0)
      counters[class] = nil
    end
  end
  for path, second in pairs(used) do
    routes.touch(path, second)
    used[path] = nil
  end
end

-- init_worker_by_lua. A worker that ends writes a last time.
function notes.start()
  assert(ngx.timer.every(SECONDS, write))
end

return notes
