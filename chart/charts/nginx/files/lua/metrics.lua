-- What Prometheus reads: how many requests, connections and routes.
local routes = require("routes")

local counts = ngx.shared.jld_counts
local CLASSES = {"2xx", "3xx", "4xx", "5xx"}
local SIDES = {"hub", "lab"}

local metrics = {}

local function line(name, labels, value)
  ngx.say("jld_front_door_", name, labels, " ", value or 0)
end

local function kind(name, of, help)
  ngx.say("# HELP jld_front_door_", name, " ", help)
  ngx.say("# TYPE jld_front_door_", name, " ", of)
end

-- Answer a scrape.
function metrics.tell()
  kind("requests_total", "counter", "Requests that were answered.")
  for _, side in ipairs(SIDES) do
    for _, class in ipairs(CLASSES) do
      line("requests_total", '{to="' .. side .. '",status="' .. class .. '"}', counts:get(side .. class))
    end
  end
  kind("connections", "gauge", "Connections from people that are open.")
  for _, state in ipairs({"active", "reading", "writing", "waiting"}) do
    line("connections", '{state="' .. state .. '"}', ngx.var["connections_" .. state])
  end
  kind("routes", "gauge", "Routes in the table.")
  line("routes", "", routes.count())
  kind("ready", "gauge", "Whether the hub has filled the table.")
  line("ready", "", routes.filled() and 1 or 0)
  kind("free_bytes", "gauge", "Whole pages of memory that are free for routes.")
  for _, name in ipairs({"jld_targets", "jld_routes"}) do
    line("free_bytes", '{table="' .. name .. '"}', ngx.shared[name]:free_space())
  end
end

return metrics
