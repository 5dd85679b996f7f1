-- Addresses of names, as libc would find them: /etc/resolv.conf says whom to ask and where to search. Kept a few seconds, and while
-- nobody answers the last answer counts on.
local dns = require("dns")

local SECONDS = 5
local shared = ngx.shared.jld_targets -- "!name" -> addresses, for all workers
local fresh_until = {}
local servers, domains, dots, port = {}, {}, 1, 53

local names = {}

-- Read resolv.conf, once, at start. Only a stand-in for a server listens elsewhere than at port 53.
function names.start(file, other_port)
  port = other_port or port
  for line in io.lines(file) do
    local key, rest = string.match(line, "^%s*(%a+)%s+(.-)%s*$")
    if key == "nameserver" then
      servers[#servers + 1] = string.find(rest, ":", 1, true) and "[" .. rest .. "]" or rest
    elseif key == "search" then
      domains = {}
      for domain in string.gmatch(rest, "%S+") do
        domains[#domains + 1] = domain
      end
    elseif key == "options" then
      dots = tonumber(string.match(rest, "ndots:(%d+)") or dots)
    end
  end
end

-- The full names to try, in order.
function names.candidates(name)
  local _, found = string.gsub(name, "%.", "")
  local tried = {}
  for _, domain in ipairs(domains) do
    tried[#tried + 1] = name .. "." .. domain
  end
  table.insert(tried, found >= dots and 1 or #tried + 1, name)
  return tried
end

local function look_up(name)
  if name == "localhost" then
    return "127.0.0.1"
  end
  for _, full in ipairs(names.candidates(name)) do
    for _, kind in ipairs({"A", "AAAA"}) do
      for _, server in ipairs(servers) do
        local addresses = dns.ask(server, port, full, kind)
        if addresses then
          return addresses
        end
      end
    end
  end
  return nil
end

-- The addresses of a name, with blanks between them; nil when there never was one.
local function addresses(name)
  if (fresh_until[name] or 0) <= ngx.now() then
    fresh_until[name] = ngx.now() + SECONDS -- others go on with the last answer while this request asks
    local found = look_up(name)
    if found then
      shared:safe_set("!" .. name, found)
    end
  end
  return shared:get("!" .. name)
end

-- The address of a name for a person. Of several, each person keeps to one as long as it is there; when one goes or comes, only the
-- people move who were there or go there. Nil when there never was one.
function names.address(name, person)
  local known = addresses(name)
  if not known or not string.find(known, " ", 1, true) then
    return known
  end
  local chosen, highest = nil, -1
  for address in string.gmatch(known, "%S+") do
    local rank = ngx.crc32_short(ngx.md5_bin(person() .. address))
    if rank > highest then
      chosen, highest = address, rank
    end
  end
  return chosen
end

return names
