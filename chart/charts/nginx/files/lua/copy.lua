-- This worker's copy of the route table, in which requests find their routes. It is whole, so that a path without a route is known to
-- have none, whoever chose it; and it is as new as the shared table, for each request compares the number of changes.
local targets = require("targets")

local shared = ngx.shared.jld_targets
local find, sub = string.find, string.sub

-- A worker that is further behind than this reads the whole table.
local KEPT_CHANGES = 1024

local copy = {}
local seen = -1
local routes, deepest = {}, 0
local ends = {}

shared:safe_add("#changes", 0)

-- Tell all workers that the shared table has another target for this path, or none any more.
function copy.tell(path)
  local number = shared:incr("#changes", 1)
  shared:safe_set("#" .. number % KEPT_CHANGES, number .. path) -- who does not find it reads the whole table
end

local function put(path, target)
  routes[path] = target and targets.route(path, target)
  local _, slashes = string.gsub(path, "/", "")
  deepest = math.max(deepest, slashes)
end

local function read_all()
  routes, deepest = {}, 0
  for _, key in ipairs(shared:get_keys(0)) do
    if sub(key, 1, 1) == "/" then
      put(key, shared:get(key))
    end
  end
end

-- Whether all changes up to this one were still there. Each was made before it was counted: what is read now is no older than it.
local function read_changes(last)
  for number = seen + 1, last do
    local known, path = string.match(shared:get("#" .. number % KEPT_CHANGES) or "", "^(%d+)(.*)$")
    if tonumber(known) ~= number then
      return false
    end
    put(path, shared:get(path))
  end
  return true
end

local function catch_up(last)
  if seen < 0 or last - seen > KEPT_CHANGES or not read_changes(last) then
    read_all()
  end
  seen = last
end

-- The longest route that a decoded path lies at or below, as targets.route() made it; nil when there is none, not even the hub's. No
-- more look-ups than the deepest route has segments.
function copy.find(path)
  local last = shared:get("#changes")
  if last ~= seen then
    catch_up(last)
  end
  local depth, position = 0, 1
  while depth < deepest do
    local slash = find(path, "/", position + 1, true)
    local last_of_segment = (slash or #path + 1) - 1
    if last_of_segment < position + 1 then
      break -- an empty segment: no route has one
    end
    depth = depth + 1
    ends[depth] = last_of_segment
    if not slash then
      break
    end
    position = slash
  end
  for level = depth, 1, -1 do
    local route = routes[sub(path, 1, ends[level])]
    if route then
      return route
    end
  end
  return routes["/"]
end

return copy
