-- The hub's token. It lives in a file alone: arguments and environments can be listed.
local SECONDS_BETWEEN_READS = 1
local file, digest
local read_at = 0

local token = {}

local function read()
  local opened = assert(io.open(file), "the token file " .. file .. " cannot be read; the chart mounts it")
  local text = string.gsub(opened:read("*a"), "%s+$", "")
  opened:close()
  assert(text ~= "", "the token file " .. file .. " is empty; without a token everybody could write routes")
  digest = ngx.sha1_bin(text)
  read_at = ngx.now()
end

-- nginx does not start without a token. It says why where even the quietest log shows it.
function token.start(path)
  file = path
  local good, mistake = pcall(read)
  if not good then
    ngx.log(ngx.EMERG, mistake)
    error(mistake)
  end
end

-- Whether this is it. Digests are compared, so that the time that takes tells nothing. A token that was replaced in the file is
-- known a moment later, without a restart.
function token.matches(given)
  local found = ngx.sha1_bin(given)
  if found ~= digest and ngx.now() - read_at > SECONDS_BETWEEN_READS then
    pcall(read)
  end
  return found == digest
end

return token
