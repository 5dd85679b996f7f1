-- Where a route leads: `http://address:port/base` as text, taken apart. The base goes in front of a request's path.
local paths = require("paths")

local URL = [[^http://(\[[0-9a-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?(/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?\z]]

local targets = {}

-- "address:port/base" as the table keeps it, a host of IPv6 in brackets and the base without a slash at its end; nil for what this
-- nginx does not speak (TLS, sockets) or does not add (a query, dots).
function targets.read(url)
  local found = ngx.re.match(url, URL, "jo")
  local port = found and tonumber(found[2] or 80)
  local base = found and found[3] or ""
  if not port or port < 1 or port > 65535 or paths.has_dots(paths.decode(base)) then
    return nil
  end
  return found[1] .. ":" .. port .. string.gsub(base, "/$", "")
end

-- What requests need to know of a route, made once for all of them: `prefix`; `side`, "hub" or "lab"; `peer`, the address and port, or
-- `name` and `port` where the address has to be asked for; `base`, nil where there is none; and whether it is a `part` of the site.
function targets.route(prefix, target)
  local address, base = string.match(target, "^([^/]*)(.*)$")
  local route = {prefix = prefix, side = prefix == "/" and "hub" or "lab", base = base ~= "" and base or nil}
  if ngx.re.find(address, [[^(?:\[|[0-9.]+:\d+$)]], "jo") then
    route.peer = address
  else
    route.name, route.port = string.match(address, "^(.*):(%d+)$")
    route.part = prefix ~= "/"
  end
  return route
end

return targets
