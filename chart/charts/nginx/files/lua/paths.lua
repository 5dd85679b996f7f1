-- Paths of requests and of routes: text in, text out.
local find, gsub, sub = string.find, string.gsub, string.sub

local paths = {}

local function character(digits)
  return string.char(tonumber(digits, 16))
end

-- Percent-decoding. A `+` stays one: this is no form.
function paths.decode(raw)
  if not find(raw, "%", 1, true) then
    return raw
  end
  return (gsub(raw, "%%(%x%x)", character))
end

-- The path of a request line's address, still encoded.
function paths.of_request(request_uri)
  local question = find(request_uri, "?", 1, true)
  return question and sub(request_uri, 1, question - 1) or request_uri
end

-- Whether a decoded path has `.` or `..` among its segments. Such a path means one thing to whoever resolves the dots and another to
-- whoever does not, and of front door, hub and lab each may do either. To Tomcat a segment ends at `;`, to who reads an address again that
-- was decoded at `?` and `#`, and to who reads addresses as browsers do `\` is a slash.
function paths.has_dots(path)
  if not find(path, "/.", 1, true) and not find(path, "\\.", 1, true) then
    return false
  end
  return (find(path, "[/\\]%.%.?[/\\;?#]") or find(path, "[/\\]%.%.?$")) ~= nil
end

-- Whether these bytes are text: PCRE reads them all before it looks for anything.
function paths.is_utf8(bytes)
  local _, _, mistake = ngx.re.find(bytes, "^", "u")
  return mistake == nil
end

-- A route's decoded path in the one form in which it is kept: a slash in front, none at the end. Nil where it would never be found.
function paths.of_route(path)
  if sub(path, 1, 1) ~= "/" then
    path = "/" .. path
  end
  if #path > 1 and sub(path, -1) == "/" then
    path = sub(path, 1, -2)
  end
  if find(path, "//", 1, true) or paths.has_dots(path) or (#path > 1 and sub(path, -1) == "/") then
    return nil
  end
  return path
end

-- Whether `path` is `prefix` or lies below it.
function paths.is_below(path, prefix)
  return path == prefix or sub(path, 1, #prefix + 1) == prefix .. "/"
end

return paths
