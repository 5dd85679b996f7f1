-- The route table, shared by all workers of this nginx. It survives a reload and not a restart: the hub fills it again.
--
-- jld_targets is read for every request and holds no JSON: path -> "address:port/base", "@path" -> the second of its last activity,
-- "#depth" -> how many segments the deepest path ever had (and names.lua's "!name" -> address). jld_routes is what the API shows: path -> the JSON text that was posted.
local cjson = require("cjson.safe")
local dates = require("dates")

local targets = ngx.shared.jld_targets
local records = ngx.shared.jld_routes
local find, sub = string.find, string.sub
local ends = {}

local routes = {}

local function depth_of(path)
  local _, slashes = string.gsub(path, "/", "")
  return slashes
end

-- The target last: until all else is stored, requests go where they went.
local function store(path, target, record, activity)
  return records:safe_set(path, record) and targets:safe_set("@" .. path, activity) and targets:safe_set(path, target)
end

-- False when there is no room: nothing is ever pushed out for it, and what was there under this path stays. A value that finds no room
-- has given up the old one's, where the old one fits again.
function routes.add(path, target, record)
  local depth = depth_of(path)
  if depth > (targets:get("#depth") or 0) then
    targets:safe_set("#depth", depth)
  end
  local old_target, old_record, old_activity = targets:get(path), records:get(path), targets:get("@" .. path)
  if store(path, target, record, ngx.now()) then
    return true
  end
  local was_there = old_target and old_record and old_activity
  if not was_there or not store(path, old_target, old_record, old_activity) then
    routes.remove(path)
  end
  return false
end

-- Whether there was one.
function routes.remove(path)
  local was = targets:get(path) ~= nil
  targets:delete(path)
  targets:delete("@" .. path)
  records:delete(path)
  return was
end

-- How many there are.
function routes.count()
  return #records:get_keys(0)
end

-- Whether the hub has told its own route, which it does last.
function routes.filled()
  return targets:get("/") ~= nil
end

-- The longest route that a decoded path lies at or below, and its target. No more look-ups than the deepest route has segments.
function routes.find(path)
  local depth, position = 0, 1
  local deepest = targets:get("#depth") or 0
  while depth < deepest do
    local slash = find(path, "/", position + 1, true)
    local last = (slash or #path + 1) - 1
    if last < position + 1 then
      break -- an empty segment: no route has one
    end
    depth = depth + 1
    ends[depth] = last
    if not slash then
      break
    end
    position = slash
  end
  for level = depth, 1, -1 do
    local prefix = sub(path, 1, ends[level])
    local target = targets:get(prefix)
    if target then
      return prefix, target
    end
  end
  return "/", targets:get("/")
end

-- Somebody used the route. A route that was removed meanwhile stays removed.
function routes.touch(path)
  targets:replace("@" .. path, ngx.now())
end

-- The posted text with the last activity as its last member, which is the one that counts should it be there twice.
local function shown(record, activity)
  return sub(record, 1, -2) .. ',"last_activity":"' .. dates.write(activity) .. '"}'
end

-- The JSON text of one route; nil when there is none.
function routes.get(path)
  local record, activity = records:get(path), targets:get("@" .. path)
  return record and activity and shown(record, activity)
end

-- The JSON text of all routes, or of those that nobody used since `before`, in seconds.
function routes.all(before)
  local parts = {}
  for _, path in ipairs(records:get_keys(0)) do
    local record, activity = records:get(path), targets:get("@" .. path)
    if record and activity and (not before or activity < before) then
      parts[#parts + 1] = cjson.encode(path) .. ":" .. shown(record, activity)
    end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

return routes
