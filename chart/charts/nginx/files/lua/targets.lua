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

-- The two parts of what the table keeps: "address:port", and the base, which most do not have.
function targets.split(target)
  return string.match(target, "^([^/]*)(.*)$")
end

-- The name and port of an address that has to be asked for; nil when it is one already.
function targets.name(address)
  if ngx.re.find(address, [[^(?:\[|[0-9.]+:\d+$)]], "jo") then
    return nil
  end
  return string.match(address, "^(.*):(%d+)$")
end

return targets
