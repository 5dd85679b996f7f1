// cert-manager's custom resources, to which the tests hold what the chart asks of it.
module jld/cert-manager

go 1.26.0

require github.com/cert-manager/cert-manager v1.21.2
