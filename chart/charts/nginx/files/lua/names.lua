-- Addresses of names, as libc would find them: /etc/resolv.conf says whom to ask and where to search. No request waits for that once
-- there was an answer: a timer asks again and again, in one worker for all, so that an address is seldom older than some seconds.
local dns = require("dns")

local FRESH, MISSED = 5, 1 -- seconds until a name is looked up again: one whose addresses are known, and one that has none
local KEPT = 600 -- seconds for which that goes on after somebody wanted the name; later it is asked for as if for the first time
local LONGEST = 10 -- seconds after which a look-up gives up
local ROUNDS = 2 -- that are made through the servers for one question: a packet may get lost
local PATIENCE, STEP = 3, 0.02 -- seconds that a request waits for the first answer ever, and between its looks
local KINDS = {"A", "AAAA"}
local SILENT = "no DNS server answers: its last addresses count on, if it ever had some"
local NONE = "DNS knows no address of it"

-- For all workers. name -> its addresses, empty when there are none; "?name" -> a worker asks, and will again; "*name" -> somebody wanted
-- it; "@name" -> the kind and the full name that were answered last; "!name" -> the trouble that was told.
local shared = ngx.shared.jld_names
local servers, domains, dots, cluster, port = {}, {}, 1, nil, 53
local noted_until = {}

local names = {}

-- Read resolv.conf, once, at start. Only a stand-in for a server listens elsewhere than at port 53.
function names.start(file, other_port)
  port = other_port or port
  for line in io.lines(file) do
    local key, rest = string.match(line, "^%s*(%a+)%s+(.-)%s*$")
    if key == "nameserver" then
      servers[#servers + 1] = string.find(rest, ":", 1, true) and "[" .. rest .. "]" or rest
    elseif key == "search" or key == "domain" then
      domains = {}
      for domain in string.gmatch(rest, "%S+") do
        domains[#domains + 1] = domain
        cluster = string.match(domain, "^svc(%..+)$") or cluster
      end
    elseif key == "options" then
      dots = tonumber(string.match(rest, "ndots:(%d+)") or dots)
    end
  end
end

-- The full names to try, in order. What ends in a dot or in the cluster's own domain is one already.
function names.candidates(name)
  if string.sub(name, -1) == "." or (cluster and string.sub(name, -#cluster) == cluster) then
    return {name}
  end
  local _, found = string.gsub(name, "%.", "")
  local tried = {}
  for _, domain in ipairs(domains) do
    tried[#tried + 1] = name .. "." .. domain
  end
  table.insert(tried, found >= dots and 1 or #tried + 1, name)
  return tried
end

-- What the first server says that says anything.
local function ask(full, kind, last)
  for _ = 1, ROUNDS do
    for _, server in ipairs(servers) do
      local said, found = dns.ask(server, port, full, kind)
      if said or ngx.now() >= last then
        return said, found
      end
    end
  end
  return nil
end

-- Whether the servers were heard about this name, and its addresses. What was answered last is asked first, and if nobody answers to
-- that, nothing else is tried: another name of the list could lead elsewhere.
local function look_up(name)
  local last = ngx.now() + LONGEST
  local kind, full = string.match(shared:get("@" .. name) or "", "^(%a+) (.+)$")
  if full then
    local said, found = ask(full, kind, last)
    if found or not said then
      return said, found
    end
  end
  local heard = true
  for _, candidate in ipairs(names.candidates(name)) do
    for _, each in ipairs(KINDS) do
      local said, found = ask(candidate, each, last)
      if found then
        shared:set("@" .. name, each .. " " .. candidate)
        return true, found
      end
      heard = heard and said
      if ngx.now() >= last then
        return nil
      elseif said ~= "none" then
        break -- a name that is unknown is so for every kind, and a silent server is asked no more about it
      end
    end
  end
  return heard, nil
end

-- Say what is wrong with a name, once, and when it is over.
local function tell(name, trouble)
  local told = shared:get("!" .. name)
  if told == trouble then
    return
  end
  shared:set("!" .. name, trouble)
  ngx.log(ngx.ERR, "the name ", name, ": ", trouble or "DNS knows its addresses again")
end

-- A timer's work.
local function refresh(premature, name)
  if premature then
    shared:delete("?" .. name) -- this worker ends; another one may ask
    return
  end
  local heard, found = look_up(name)
  if heard or not shared:get(name) then
    shared:set(name, found or "")
  end
  tell(name, not heard and SILENT or not found and NONE or nil)
  if not shared:get("*" .. name) then
    shared:delete(name)
    shared:delete("?" .. name)
    return
  end
  local pause = shared:get(name) ~= "" and FRESH or MISSED
  if ngx.timer.at(pause, refresh, name) then
    shared:set("?" .. name, true, pause + 2 * LONGEST) -- were this worker to end in the middle, the mark would go by itself
  else
    shared:delete("?" .. name)
  end
end

-- What is known of a name. From the first time on somebody looks it up.
local function known(name)
  local now = ngx.now()
  if (noted_until[name] or 0) <= now then
    noted_until[name] = now + MISSED
    shared:set("*" .. name, true, KEPT)
    if shared:add("?" .. name, true, 2 * LONGEST) then
      local begun, mistake = ngx.timer.at(0, refresh, name)
      if not begun then
        shared:delete("?" .. name)
        ngx.log(ngx.ERR, "the name ", name, " cannot be looked up: ", mistake)
      end
    end
  end
  return shared:get(name)
end

-- The addresses of a name, with blanks between them; empty when it has none.
local function addresses(name)
  if name == "localhost" then
    return "127.0.0.1"
  end
  local found = known(name)
  local last = ngx.now() + PATIENCE
  while not found and ngx.now() < last do
    ngx.sleep(STEP)
    found = known(name)
  end
  return found or ""
end

-- The address of a name for a person. Of several, each person keeps to one as long as it is there; when one goes or comes, only the
-- people move who were there or go there. Nil when there is none.
function names.address(name, person)
  local all = addresses(name)
  if not string.find(all, " ", 1, true) then
    return all ~= "" and all or nil
  end
  local chosen, highest = nil, -1
  for address in string.gmatch(all, "%S+") do
    local rank = ngx.crc32_short(ngx.md5_bin(person() .. address))
    if rank > highest then
      chosen, highest = address, rank
    end
  end
  return chosen
end

return names
