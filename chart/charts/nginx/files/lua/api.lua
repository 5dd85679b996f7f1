-- The REST API with which JupyterHub keeps its routes: that of configurable-http-proxy.
local cjson = require("cjson.safe")
local dates = require("dates")
local paths = require("paths")
local routes = require("routes")
local targets = require("targets")
local token = require("token")

cjson.decode_invalid_numbers(false) -- NaN and hexadecimal are not JSON
local options = {}

local api = {}

function api.start(chosen)
  options = chosen
end

local function answer(status, body, kind)
  ngx.status = status
  ngx.header["Content-Type"] = kind
  ngx.header["Content-Length"] = #(body or "")
  if body then
    ngx.print(body)
  end
  ngx.exit(ngx.HTTP_OK)
end

local function authorized()
  local given = ngx.re.match(ngx.var.http_authorization or "", [[token\s+(\S+)]], "jo")
  return given and token.matches(given[1])
end

local function get(path)
  if path ~= "/" then
    local record = routes.get(path)
    return answer(record and 200 or 404, record, record and "application/json")
  end
  local query = ngx.req.get_uri_args()
  local since, before = query.inactiveSince or query.inactive_since, nil
  if type(since) == "string" and since ~= "" then
    before = dates.read(since)
    if not before then
      return answer(400, "Invalid datestamp '" .. since .. "' must be ISO8601.")
    end
  end
  return answer(200, routes.all(before), "application/json")
end

-- The text between the outer braces and with them; the rest of what may surround JSON is white space.
local function trimmed(body)
  return string.match(body, "^%s*(.-)%s*$")
end

local function post(path)
  ngx.req.read_body()
  local body = ngx.req.get_body_data() or ""
  local data, mistake = cjson.decode(body)
  if data == nil then
    return answer(400, "Body not valid JSON: " .. mistake)
  end
  if not paths.is_utf8(body) then
    return answer(400, "Body not valid JSON: it is not UTF-8")
  end
  if type(data) ~= "table" or type(data.target) ~= "string" then
    return answer(400, "Must specify 'target' as string")
  end
  local target = targets.read(data.target)
  if not target then
    return answer(400, "'target' must be http://host:port or http://host:port/path")
  end
  if options.reserved and paths.is_below(path, options.reserved) then
    return answer(400, options.reserved .. " belongs to the hub")
  end
  local record = trimmed(body)
  if options.host_routing and path ~= "/" then
    record = string.sub(record, 1, -2) .. ',"host":' .. cjson.encode(string.match(path, "^/([^/]*)")) .. "}"
  end
  return answer(routes.add(path, target, record) and 201 or 507)
end

local function delete(path)
  return answer(routes.remove(path) and 204 or 404)
end

local methods = {GET = get, POST = post, DELETE = delete}

-- Answer one request.
function api.serve()
  local raw = paths.of_request(ngx.var.request_uri)
  local found = ngx.re.match(raw, [[^/api/routes(/.*)?$]], "jos")
  if not found then
    return answer(404, "Not Found")
  end
  local method = methods[ngx.req.get_method()]
  if not method then
    return answer(405, "Method not supported")
  end
  if not authorized() then
    return answer(403)
  end
  local path = paths.decode(found[1] or "/")
  if not paths.is_utf8(path) then
    return answer(400, "The path is not UTF-8")
  end
  path = paths.of_route(path)
  if not path then
    return answer(400, "A route has no empty segments and none of dots")
  end
  return method(path)
end

return api
