-- What happens to a request of people: its route is looked up, it is sent there, and its use is noted.
local balancer = require("ngx.balancer")
local copy = require("copy")
local names = require("names")
local notes = require("notes")
local paths = require("paths")
local routes = require("routes")

-- Seconds that a request waits for a copy that just started to be told its routes; the hub does so within one. A copy that crashed and
-- starts again in its pod is asked before the cluster knows of it.
local PATIENCE, STEP = 3, 0.05
-- Seconds and requests for which an idle connection to hub or lab is kept: for less long than they keep theirs.
local IDLE, REQUESTS = 60, 1000

local options = {}

local router = {}

function router.start(chosen)
  options = chosen
end

-- Who asks, as far as it matters for where: the browser's session with the hub, or the machine.
local function person()
  return ngx.var["cookie_jupyterhub-session-id"] or ngx.var.remote_addr
end

-- The decoded path of the request's address in the form of routes. What was no request has none, and is answered and noted too.
local function asked_path()
  local path = paths.decode(paths.of_request(ngx.var.request_uri or ""))
  if options.host_routing then
    path = "/" .. (string.match(ngx.var.http_host or "", "^[^:]*") or "") .. path
  end
  return path
end

local function wait_for_route(path)
  local last = ngx.now() + PATIENCE
  local route
  repeat
    ngx.sleep(STEP)
    route = copy.find(path)
  until route or ngx.now() >= last
  return route
end

-- The route with the address to which this request goes. A name is looked up here, where a request may wait; the balancer may not.
local function with_peer(route)
  if route.peer then
    return route
  end
  local number = names.address(route.name, person)
  return number and {
    prefix = route.prefix, side = route.side, base = route.base, part = route.part, peer = number .. ":" .. route.port,
  }
end

-- Lead the request to where this path goes. What is known of it is the request's context, which most requests share.
local function lead(path)
  local route = copy.find(path) or wait_for_route(path)
  local led = route and with_peer(route)
  if not led then
    return ngx.exit(ngx.HTTP_SERVICE_UNAVAILABLE) -- the hub has not filled the table yet, or its name is not known
  end
  ngx.ctx = led
  return led
end

-- rewrite_by_lua: the address that is forwarded is the one that was received, byte by byte. What needs more than that has locations of
-- its own.
function router.route()
  local path = asked_path()
  if paths.has_dots(path) then
    return ngx.exit(ngx.HTTP_BAD_REQUEST)
  end
  local led = lead(path)
  if ngx.var.connection_upgrade == "upgrade" then
    return ngx.exec("@upgraded")
  elseif led.part or led.base then
    return ngx.exec("@part")
  end
end

-- rewrite_by_lua of what is in no table: to a name of the cluster's.
function router.lead_to(part)
  ngx.ctx = with_peer(part) or ngx.exit(ngx.HTTP_SERVICE_UNAVAILABLE)
end

-- rewrite_by_lua of those: the address may go below the target's path.
function router.route_again()
  local led = lead(asked_path())
  if led.base then
    ngx.var.forwarded = led.base .. ngx.var.request_uri
  end
end

-- rewrite_by_lua of the location for labs that did not answer: ask the hub for its page instead. It counts as theirs. A hub that did not
-- answer may do so a moment later, but its page is about labs.
function router.ask_for_error_page()
  local route = copy.find(asked_path())
  if not route or route.prefix == "/" then
    return ngx.exit(ngx.HTTP_SERVICE_UNAVAILABLE)
  end
  local asked = ngx.var.request_uri
  ngx.req.set_uri(options.error_path .. "503")
  ngx.req.set_uri_args({url = asked})
  local led = lead("/")
  ngx.ctx = {peer = led.peer, side = route.side}
end

-- balancer_by_lua.
function router.balance()
  assert(balancer.set_current_peer(ngx.ctx.peer))
  assert(balancer.enable_keepalive(IDLE, REQUESTS))
end

-- header_filter_by_lua: what has a name in the cluster and is not the hub is a part of the site, which only the site's own pages may
-- show in a frame: labs do. And a WebSocket counts when it opens, and through note() when it closes.
function router.note_opening()
  local led = ngx.ctx
  if led.part then
    ngx.header["X-Frame-Options"] = "SAMEORIGIN"
  end
  if ngx.status == 101 then
    notes.use(led.prefix)
  end
end

-- log_by_lua of the server: answers that failed or led elsewhere are no use of what is behind the route. A request that was answered
-- here has lost its context on the way, or never had one.
function router.note()
  local led, status = ngx.ctx, ngx.status
  if led.is_check then
    return
  end
  local route = led.side and led or copy.find(asked_path()) or {side = "hub"}
  notes.count(route.side, status)
  if status < 300 and led.prefix then
    notes.use(led.prefix)
  end
end

-- Whether requests may come: not before the hub has filled the table.
function router.tell_readiness()
  ngx.ctx.is_check = true -- and counts as nobody's request
  if routes.filled() then
    ngx.say("ok")
  else
    ngx.status = ngx.HTTP_SERVICE_UNAVAILABLE
    ngx.say("the hub has not told its routes yet")
  end
end

return router
