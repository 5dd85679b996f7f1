-- One question to one DNS server: the addresses of a name. Debian packages no DNS client for nginx's Lua.
local byte, char, sub = string.byte, string.char, string.sub
local TYPES = {A = 1, AAAA = 28}
local LENGTHS = {A = 4, AAAA = 16}
local HEAD = 12
local SECONDS = 1 -- that one server has for one answer
local ANSWER, TRUNCATED = 0x80, 0x02
local OK, NO_SUCH_NAME = 0, 3

local random

local dns = {}

local function number(text, at)
  local high, low = byte(text, at, at + 1)
  return high * 256 + low
end

-- Nobody can guess the next one. LuaJIT's own generator would give each worker the same ones, after each start again. Opened by each
-- worker and read without a buffer, or several would share what was read ahead.
local function new_id()
  if not random then
    random = assert(io.open("/dev/urandom", "rb"))
    random:setvbuf("no")
  end
  return number(random:read(2), 1)
end

-- Without the head, which is how it comes back in the answer. Nil for what is too long to be a name.
local function question(name, kind)
  local labels = {}
  for label in string.gmatch(name, "[^.]+") do
    if #label > 63 then
      return nil
    end
    labels[#labels + 1] = char(#label) .. label
  end
  local encoded = table.concat(labels)
  return #encoded < 255 and encoded .. char(0, 0, TYPES[kind], 0, 1) or nil
end

-- Where the name that starts at `at` ends. A pointer is its end; none is followed, so none can lead in a circle.
local function after_name(text, at)
  while true do
    local length = byte(text, at)
    if length == 0 then
      return at + 1
    elseif length >= 192 then
      return at + 2
    end
    assert(length < 64)
    at = at + 1 + length
  end
end

local function address(text, at, kind)
  if kind == "A" then
    return table.concat({byte(text, at, at + 3)}, ".")
  end
  local groups = {}
  for offset = 0, 14, 2 do
    groups[#groups + 1] = string.format("%x", number(text, at + offset))
  end
  return "[" .. table.concat(groups, ":") .. "]"
end

-- The addresses among the answer's records. Of a name that is another's (CNAME) the server follows the chain, and these are its end.
local function addresses(text, at, kind)
  local found = {}
  for _ = 1, number(text, 7) do
    at = after_name(text, at)
    local length = number(text, at + 8)
    if number(text, at) == TYPES[kind] then
      assert(length == LENGTHS[kind])
      found[#found + 1] = address(text, at + 10, kind)
    end
    at = at + 10 + length
    assert(at <= #text + 1)
  end
  return found
end

local function is_answer(text, id, asked)
  return #text >= HEAD + #asked and number(text, 1) == id and byte(text, 3) >= ANSWER and number(text, 5) == 1
    and string.lower(sub(text, HEAD + 1, HEAD + #asked)) == asked
end

-- What an answer says: "found" and the addresses with blanks between them; "none", when the name has none of this kind; "unknown" when
-- there is no such name; nil when it says nothing, as a server in trouble does.
local function meaning(text, asked, kind)
  local code = byte(text, 4) % 16
  if code == NO_SUCH_NAME then
    return "unknown"
  elseif code ~= OK then
    return nil
  end
  local found = addresses(text, HEAD + #asked + 1, kind)
  if found[1] then
    table.sort(found) -- servers turn them around, and nothing has changed then
    return "found", table.concat(found, " ")
  end
  return "none"
end

-- The first answer to this question. What does not answer it is somebody else's, or a guess, and is not the end of waiting.
local function ask_by_udp(server, port, head, id, asked)
  local socket = ngx.socket.udp()
  local last = ngx.now() + SECONDS
  local text
  if socket:setpeername(server, port) and socket:send(head .. asked) then
    repeat
      ngx.update_time()
      socket:settimeout(math.max(1, math.ceil((last - ngx.now()) * 1000)))
      text = socket:receive(4096)
    until not text or is_answer(text, id, asked) or ngx.now() >= last
  end
  socket:close()
  return text and is_answer(text, id, asked) and text or nil
end

-- For what is too long for one packet.
local function ask_by_tcp(server, port, head, id, asked)
  local socket = ngx.socket.tcp()
  socket:settimeout(SECONDS * 1000)
  local length = #head + #asked
  local text
  if socket:connect(server, port) and socket:send(char(math.floor(length / 256), length % 256) .. head .. asked) then
    local size = socket:receive(2)
    text = size and socket:receive(number(size, 1))
  end
  socket:close()
  return text and is_answer(text, id, asked) and text or nil
end

-- Ask. Returns what meaning() returns, and nil when nothing came in time.
function dns.ask(server, port, name, kind)
  local asked = question(string.lower(name), kind)
  if not asked then
    return "unknown"
  end
  local id = new_id()
  local head = char(math.floor(id / 256), id % 256, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0)
  local text = ask_by_udp(server, port, head, id, asked)
  if text and byte(text, 3) % (2 * TRUNCATED) >= TRUNCATED then
    text = ask_by_tcp(server, port, head, id, asked)
  end
  if not text then
    return nil
  end
  -- A mangled answer makes byte() return nothing; it is no answer then, and no mistake of ours.
  local whole, said, found = pcall(meaning, text, asked, kind)
  if whole then
    return said, found
  end
  return nil
end

return dns
