-- What wrk found, as one line of JSON. Nothing runs per request.
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nsummary {"requests": %d, "microseconds": %d, "non_2xx": %d, "socket_errors": %d, "p50": %g, "p99": %g}\n',
    summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
