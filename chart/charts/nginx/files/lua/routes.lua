-- The route table, shared by all workers of this nginx. It survives a reload and not a restart: the hub fills it again.
--
-- jld_targets holds no JSON: path -> "address:port/base", "@path" -> the second of its last activity, "#changes" -> how many changes
-- there were, "#N" -> the number and path of one of the last of them, for copy.lua. jld_routes is what the API shows: path -> the
-- JSON text that was posted.
local cjson = require("cjson.safe")
local copy = require("copy")
local dates = require("dates")

local targets = ngx.shared.jld_targets
local records = ngx.shared.jld_routes
local sub = string.sub

local routes = {}

-- The target last: until all else is stored, requests go where they went.
local function store(path, target, record, activity)
  return records:safe_set(path, record) and targets:safe_set("@" .. path, activity) and targets:safe_set(path, target)
end

-- False when there is no room: nothing is ever pushed out for it, and what was there under this path stays. A value that finds no room
-- has given up the old one's, where the old one fits again.
function routes.add(path, target, record)
  local old_target, old_record, old_activity = targets:get(path), records:get(path), targets:get("@" .. path)
  if store(path, target, record, ngx.now()) then
    copy.tell(path)
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
  copy.tell(path)
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

-- Somebody used the route at this second. A route that was removed meanwhile stays removed.
function routes.touch(path, second)
  local last = targets:get("@" .. path)
  if last and last < second then
    targets:replace("@" .. path, second)
  end
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
