-- Moments as text, as JavaScript writes them: 2026-11-23T10:20:30.123Z.
local dates = {}

local DATE = [[^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?(Z|[+-]\d\d:?\d\d)?)?$]]

function dates.write(seconds)
  local whole = math.floor(seconds)
  return os.date("!%Y-%m-%dT%H:%M:%S", whole) .. string.format(".%03dZ", math.floor((seconds - whole) * 1000))
end

-- Days from 1970-01-01 to a date of the Gregorian calendar.
local function days(year, month, day)
  if month <= 2 then
    year, month = year - 1, month + 12
  end
  local leaps = math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
  return 365 * year + leaps + math.floor((153 * (month - 3) + 2) / 5) + day - 719469
end

local function offset(zone)
  local sign, hours, minutes = string.match(zone, "^([+-])(%d%d):?(%d%d)$")
  if not sign then
    return 0
  end
  return (sign == "-" and -1 or 1) * (hours * 3600 + minutes * 60)
end

-- Seconds since 1970 of an ISO 8601 date, in UTC where it names no zone; nil when it is none.
function dates.read(text)
  local found = ngx.re.match(text, DATE, "jo")
  if not found then
    return nil
  end
  local month, day = tonumber(found[2]), tonumber(found[3])
  local hour, minute, second = tonumber(found[4] or 0), tonumber(found[5] or 0), tonumber(found[6] or 0)
  if not (month and hour and minute and second) or month < 1 or month > 12 or day < 1 or day > 31 then
    return nil
  end
  if hour > 24 or minute > 59 or second >= 60 then
    return nil
  end
  local midnight = days(tonumber(found[1]), month, day) * 86400
  return midnight + hour * 3600 + minute * 60 + second - offset(found[7] or "Z")
end

return dates
