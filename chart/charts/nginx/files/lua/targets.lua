-- Where a route leads: `http://address:port` as text, taken apart.
local targets = {}

-- The host, bracketed where it is IPv6, and the port; nil for what this nginx does not speak (TLS, sockets) or does not add (a path).
local function parse(url)
  local found = ngx.re.match(url, [[^http://(\[[0-9a-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?/?$]], "jo")
  local port = found and tonumber(found[2] or 80)
  if not port or port < 1 or port > 65535 then
    return nil
  end
  return found[1], port
end

-- "address:port" as the table keeps it.
function targets.read(url)
  local host, port = parse(url)
  return host and host .. ":" .. port
end

-- The name and port of a target whose address has to be asked for; nil when it is an address already.
function targets.name(target)
  if ngx.re.find(target, [[^(?:\[|[0-9.]+:\d+$)]], "jo") then
    return nil
  end
  return string.match(target, "^(.*):(%d+)$")
end

return targets
