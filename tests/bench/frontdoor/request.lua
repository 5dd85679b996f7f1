-- wrk asks for one of many routes at random, and says in one line of JSON how it went.
-- Arguments: how many routes there are, what to ask of each.
function init(arguments)
  requests = {}
  for number = 1, tonumber(arguments[1]) do
    requests[number] = wrk.format("GET", "/user/" .. number .. "/" .. arguments[2])
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
