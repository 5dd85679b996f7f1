-- The certificate and its key. To read and parse them costs as much as all else of a handshake, so each worker keeps them for a while.
local ffi = require("ffi")
local ssl = require("ngx.ssl")

-- OpenSSL's own. What a context takes, each connection takes: nothing is first refused in the handshakes of people. And it keeps a pair of two
-- kinds as if each half waited for its other one, and then has none to show.
ffi.cdef [[
  int OPENSSL_sk_num(const void *chain);
  void *OPENSSL_sk_value(const void *chain, int index);
  const void *TLS_server_method(void);
  void *SSL_CTX_new(const void *method);
  void SSL_CTX_free(void *context);
  int SSL_CTX_use_certificate(void *context, void *certificate);
  int SSL_CTX_use_PrivateKey(void *context, void *key);
  long SSL_CTX_ctrl(void *context, int command, long number, void *argument);
  int X509_check_private_key(const void *certificate, const void *key);
  unsigned long ERR_peek_last_error(void);
  const char *ERR_reason_error_string(unsigned long code);
  void ERR_clear_error(void);
]]
local ADD_TO_CHAIN = 89 -- SSL_CTRL_CHAIN_CERT, which with a number takes a reference of its own

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

-- What OpenSSL refuses of a pair, in its own words.
local function refusal(certificate, key)
  local C = ffi.C
  local leaf = C.OPENSSL_sk_value(certificate, 0)
  if C.X509_check_private_key(leaf, key) ~= 1 then
    return "the key in tls.key is not that of the certificate in tls.crt"
  end
  local context = ffi.gc(C.SSL_CTX_new(C.TLS_server_method()), C.SSL_CTX_free)
  local good = C.SSL_CTX_use_certificate(context, leaf) == 1 and C.SSL_CTX_use_PrivateKey(context, key) == 1
  for index = 1, C.OPENSSL_sk_num(certificate) - 1 do
    good = good and C.SSL_CTX_ctrl(context, ADD_TO_CHAIN, 1, C.OPENSSL_sk_value(certificate, index)) == 1
  end
  if not good then
    local reason = C.ERR_reason_error_string(C.ERR_peek_last_error())
    return "OpenSSL refuses the certificate in tls.crt: " .. (reason ~= nil and ffi.string(reason) or "it does not say why")
  end
end

local function read()
  local certificate, key = contents("tls.crt"), contents("tls.key")
  local found = {text = certificate .. key}
  if pair and found.text == pair.text then
    return pair
  end
  found.certificate, found.key = assert(ssl.parse_pem_cert(certificate)), assert(ssl.parse_pem_priv_key(key))
  local refused = refusal(found.certificate, found.key)
  ffi.C.ERR_clear_error() -- or nginx finds it later, and wonders
  assert(not refused, refused)
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
