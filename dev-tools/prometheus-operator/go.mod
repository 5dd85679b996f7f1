// The Prometheus operator's custom resources, as tests hold the chart's monitors and rules to them.
module jld/prometheus-operator

go 1.26.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
