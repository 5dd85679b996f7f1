# nginx's log of errors repeats addresses with their queries, and headers: log-in codes and tokens. What stays is what happened, to
# whom, on which path, and which backend it was for. Used by start.sh, for every line.

# No control characters, and no letters but ASCII's: nginx writes them as they came.
s/[^ -~\t]/./g

# What happened, and below it who, where and for which backend. The rest of such a line is the request.
s/, client: ([0-9a-fA-F.:]+|unix:)?(, server: [^ ,"]*)?(, request: "[A-Z]+ \/[^?#; "]*)?((.*)(, upstream: "[a-z]+:\/\/[][0-9a-fA-F.:]+))?.*$/\n, client: \1\2\3\6/
s/(\n.*), request: "/\1, request: /
s/(\n.*), upstream: "/\1, upstream: /
# Such a line without a client, or cut off before it: there is none, but nothing here depends on it.
s/, (sub)?request: "[^\n]*//
s/, (upstream|host|referrer): "[^\n]*//

# Of what happened, no query, and nothing in quotes that is more than a name or a path: that is a header, or half of one.
s/\?[^\n]*/?.../
s/"([A-Za-z0-9_.\/%~-]*)"/\x01\1\x01/g
s/"[^\n]*/"..."/
s/\x01/"/g
s/\n//
