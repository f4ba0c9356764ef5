-- Every request has a body of its own: a number between two texts. And maybe a header of its own.
-- Arguments: files of both texts, the first number, and of the header its name, the beginning
-- of its value, and how many values there are.

local before, after, number, name, value, many

local function content(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

function init(args)
  before, after, number = content(args[1]), content(args[2]), tonumber(args[3])
  name, value, many = args[4], args[5], tonumber(args[6])
end

function request()
  number = number + 1
  if many > 0 then
    wrk.headers[name] = value .. (number % many)
  end
  return wrk.format("POST", nil, nil, before .. string.format("%d", number) .. after)
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %f, "bytes": %d, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout
  ))
end
