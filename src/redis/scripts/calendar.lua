--
-- Copyright (C) nginx-intake contributors
--
-- Replaces the text that says which calendar the readings of a tier are of.
--
-- KEYS[1]   P:sla:m
-- ARGV[1]   the name of the tier
-- ARGV[2]   the text that is there
-- ARGV[3]   the text that shall be; nothing: no node has the tier any more
--
-- Returns 1, or 0 if another one is there.
--


local field = 'cal:' .. ARGV[1]

if redis.call('HGET', KEYS[1], field) ~= ARGV[2] then
    return 0
end

redis.call('HSET', KEYS[1], field, ARGV[3])

return 1
