-- What wrk sends: one operation, over many owners and rows in a shuffled order,
-- so that it is not a queue at one row that is measured. Arguments: operation,
-- file of targets ("token id" a line), number of the line to begin at. The operation
-- "written" has whole requests there: "token method path body".

local requests, at = {}, 0

function init(arguments)
   local operation, file = arguments[1], arguments[2]
   for line in io.lines(file) do
      local token, id, rest = line:match("^(%S+) (%S+) ?(.*)$")
      local headers = { Authorization = "Bearer " .. token }
      local method, path, body = "GET", "/api/v1/tasks", nil
      if operation == "written" then
         method = id
         path, body = rest:match("^(%S+) (.*)$")
         if body == "" then
            body = nil
         else
            headers["Content-Type"] = "application/json"
         end
      elseif operation == "list" then
         path = path .. "?limit=20"
      elseif operation == "read" then
         path = path .. "/" .. id
      elseif operation == "complete" then
         method, path = "PATCH", path .. "/" .. id .. "/complete"
      elseif operation == "create" then
         method, body = "POST", '{"title":"Buy milk","tags":["home"]}'
         headers["Content-Type"] = "application/json"
      else
         -- `operation` is the rest of the path.
         path = path .. operation
      end
      requests[#requests + 1] = wrk.format(method, path, headers, body)
   end
   at = tonumber(arguments[3]) % #requests
end

function request()
   at = at % #requests + 1
   return requests[at]
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      'RESULT {"requests":%d,"seconds":%.6f,"p50":%.3f,"p99":%.3f,"max":%.3f,"refused":%d,"failed":%d}\n',
      summary.requests, summary.duration / 1e6,
      latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
      errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
