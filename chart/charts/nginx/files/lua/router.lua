-- What happens to a request of people: its route is looked up, it is sent there, and its use is noted.
local balancer = require("ngx.balancer")
local metrics = require("metrics")
local names = require("names")
local paths = require("paths")
local routes = require("routes")
local targets = require("targets")

-- Seconds that a request waits for a copy that just started to be told its routes; the hub does so within one. A copy that crashed and
-- starts again in its pod is asked before the cluster knows of it.
local PATIENCE, STEP = 3, 0.05

local options = {}

local router = {}

function router.start(chosen)
  options = chosen
end

-- Who asks, as far as it matters for where: the browser's session with the hub, or the machine.
local function person()
  return ngx.var["cookie_jupyterhub-session-id"] or ngx.var.remote_addr
end

-- The number of an address. A name is looked up here, where a request may wait; the balancer may not.
local function peer_of(address)
  local name, port = targets.name(address)
  if not name then
    return address
  end
  local number = names.address(name, person)
  return number and number .. ":" .. port
end

local function find_route(path)
  local prefix, target = routes.find(path)
  local last = ngx.now() + PATIENCE
  while not target and ngx.now() < last do
    ngx.sleep(STEP)
    prefix, target = routes.find(path)
  end
  return prefix, target
end

-- Where a request for this path goes, and what goes in front of the path there.
local function lead(path)
  local prefix, target = find_route(path)
  local address, base = targets.split(target or "")
  local peer = target and peer_of(address)
  if not peer then
    return ngx.exit(ngx.HTTP_SERVICE_UNAVAILABLE) -- the hub has not filled the table yet, or its name is not known
  end
  ngx.ctx.prefix, ngx.ctx.peer = prefix, peer
  ngx.ctx.part = prefix ~= "/" and peer ~= address
  return base
end

-- rewrite_by_lua: the address that is forwarded is the one that was received, byte by byte, below the target's path if it has one.
function router.route()
  local path = paths.decode(paths.of_request(ngx.var.request_uri))
  if paths.has_dots(path) then
    return ngx.exit(ngx.HTTP_BAD_REQUEST)
  end
  if options.host_routing then
    path = "/" .. (string.match(ngx.var.http_host or "", "^[^:]*") or "") .. path
  end
  local base = lead(path)
  if base and base ~= "" then
    ngx.var.forwarded = base .. ngx.var.request_uri
  end
end

-- rewrite_by_lua of the location for labs that did not answer: ask the hub for its page instead.
function router.ask_for_error_page()
  local asked = ngx.var.request_uri
  ngx.req.set_uri(options.error_path .. "503")
  ngx.req.set_uri_args({url = asked})
  return lead("/")
end

-- balancer_by_lua.
function router.balance()
  assert(balancer.set_current_peer(ngx.ctx.peer))
end

-- header_filter_by_lua: what has a name in the cluster and is not the hub is a part of the site, which only the site's own pages may
-- show in a frame: labs do. And a WebSocket counts when it opens, and through note_use() when it closes.
function router.note_opening()
  if ngx.ctx.part then
    ngx.header["X-Frame-Options"] = "SAMEORIGIN"
  end
  if ngx.status == 101 then
    routes.touch(ngx.ctx.prefix)
  end
end

-- log_by_lua: answers that failed or led elsewhere are no use of what is behind the route.
function router.note_use()
  local prefix = ngx.ctx.prefix
  metrics.count(prefix, ngx.status)
  if prefix and ngx.status < 300 then
    routes.touch(prefix)
  end
end

-- Whether requests may come: not before the hub has filled the table.
function router.tell_readiness()
  if routes.filled() then
    ngx.say("ok")
  else
    ngx.status = ngx.HTTP_SERVICE_UNAVAILABLE
    ngx.say("the hub has not told its routes yet")
  end
end

return router
