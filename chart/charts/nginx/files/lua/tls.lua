-- The certificate and its key. To read and parse them costs as much as all else of a handshake, so each worker keeps them for a while.
local ffi = require("ffi")
local ssl = require("ngx.ssl")

-- OpenSSL's own: it keeps a pair of two kinds as if each half waited for its other one, and then has none to show.
ffi.cdef [[
  void *OPENSSL_sk_value(const void *chain, int index);
  int X509_check_private_key(const void *certificate, const void *key);
  void ERR_clear_error(void);
]]

local RETRY = 1 -- seconds until files are read again that were no pair: they may have been replaced in between
local folder, seconds
local pair -- that is used: {text, certificate, key}
local look_again = 0
local told

local tls = {}

local function contents(name)
  local file = assert(io.open(folder .. "/" .. name))
  local text = file:read("*a")
  file:close()
  return text
end

local function read()
  local certificate, key = contents("tls.crt"), contents("tls.key")
  local found = {text = certificate .. key}
  if pair and found.text == pair.text then
    return pair
  end
  found.certificate, found.key = assert(ssl.parse_pem_cert(certificate)), assert(ssl.parse_pem_priv_key(key))
  local fit = ffi.C.X509_check_private_key(ffi.C.OPENSSL_sk_value(found.certificate, 0), found.key)
  ffi.C.ERR_clear_error() -- or nginx finds it later, and wonders
  assert(fit == 1, "the key in tls.key is not that of the certificate in tls.crt")
  return found
end

-- At start. nginx reads the same files by itself, so it does not start without a pair.
function tls.start(chosen, chosen_seconds)
  folder, seconds = chosen, chosen_seconds
  pair, look_again = read(), ngx.now() + seconds
end

-- What is no pair changes nothing, and is told once.
local function renew()
  local good, found = pcall(read)
  look_again = ngx.now() + (good and seconds or RETRY)
  if good then
    pair, told = found, nil
  elseif found ~= told then
    told = found
    ngx.log(ngx.ERR, "the certificate in ", folder, " cannot be used, the last one is: ", found)
  end
end

-- For each handshake.
function tls.serve()
  if ngx.now() >= look_again then
    renew()
  end
  assert(ssl.clear_certs())
  assert(ssl.set_cert(pair.certificate))
  assert(ssl.set_priv_key(pair.key))
end

return tls
