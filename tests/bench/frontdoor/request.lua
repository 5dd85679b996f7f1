-- wrk asks for one of many routes at random, and says in one line of JSON how it went.
-- Arguments: how many routes there are, what to ask of each, milliseconds before each request, and the header Connection.
function init(arguments)
  local pause = tonumber(arguments[3])
  if pause > 0 then
    delay = function() return pause end -- that it is there costs wrk a timer for each request
  end
  local headers = {Connection = arguments[4]}
  requests = {}
  for number = 1, tonumber(arguments[1]) do
    requests[number] = wrk.format("GET", "/user/" .. number .. "/" .. arguments[2], headers)
  end
end

function request()
  return requests[math.random(#requests)]
end

function done(summary, latency)
  local failed = summary.errors
  io.write(string.format('\n{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "failed": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    failed.connect + failed.read + failed.write + failed.status + failed.timeout))
end
