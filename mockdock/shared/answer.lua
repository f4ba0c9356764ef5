-- The end of the script: ask the verb, and keep the answer for who asks again.
-- Before this file come all the verbs.

local result = verbs[verb](cjson.decode(ARGV[5]))
if asker ~= '' then call('SET', kept_at, ARGV[3] .. ' ' .. result, 'EX', MINUTE) end
return result
