-- One question to one DNS server: the addresses of a name. Debian packages no DNS client for nginx's Lua.
local byte, char = string.byte, string.char
local TYPES = {A = 1, AAAA = 28}

local dns = {}

local function number(text, at)
  local high, low = byte(text, at, at + 1)
  return high * 256 + low
end

function dns.question(id, name, kind)
  local labels = {}
  for label in string.gmatch(name, "[^.]+") do
    labels[#labels + 1] = char(#label) .. label
  end
  local head = char(math.floor(id / 256), id % 256, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0)
  return head .. table.concat(labels) .. char(0, 0, TYPES[kind], 0, 1)
end

-- Where the name that starts at `at` ends. A pointer is its end.
local function after_name(text, at)
  while true do
    local length = byte(text, at)
    if length == 0 then
      return at + 1
    elseif length >= 192 then
      return at + 2
    end
    at = at + 1 + length
  end
end

local function address(text, at, length)
  if length == 4 then
    return table.concat({byte(text, at, at + 3)}, ".")
  end
  local groups = {}
  for offset = 0, 14, 2 do
    groups[#groups + 1] = string.format("%x", number(text, at + offset))
  end
  return "[" .. table.concat(groups, ":") .. "]"
end

-- The addresses in an answer to question `id`, with blanks between them; nil when there is none.
function dns.answer(text, id, kind)
  if #text < 12 or number(text, 1) ~= id or byte(text, 4) % 16 ~= 0 then
    return nil
  end
  local addresses = {}
  local at = after_name(text, 13) + 4
  for _ = 1, number(text, 7) do
    at = after_name(text, at)
    local found, length = number(text, at), number(text, at + 8)
    if found == TYPES[kind] then
      addresses[#addresses + 1] = address(text, at + 10, length)
    end
    at = at + 10 + length
  end
  return addresses[1] and table.concat(addresses, " ")
end

function dns.ask(server, port, name, kind)
  local socket = ngx.socket.udp()
  socket:settimeout(1000)
  if not socket:setpeername(server, port) then
    return nil
  end
  local id = math.random(0, 65535)
  local text = socket:send(dns.question(id, name, kind)) and socket:receive(4096)
  socket:close()
  -- A mangled answer makes byte() return nothing; it is no answer then, and no reason to fail a request.
  local whole, found = pcall(dns.answer, text or "", id, kind)
  return whole and found or nil
end

return dns
