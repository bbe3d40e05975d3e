--
-- Copyright (C) nginx-intake contributors
--
-- Stores deliveries of a source that has response clocks, each of them once,
-- and feeds the clocks with the messages in them.
--
-- Parts: deliver clock pause wait
--
-- KEYS      those at the top of parts/clock.lua, the first being the stream;
--           then each delivery's keys as in store.lua, followed by those of
--           its messages: the conversation's, that of its id (has 1), that of
--           its event (has 2)
--
-- ARGV      [1] to [10] as in store.lua, CONF from [11] on; then each delivery:
--           its 15 as in store.lua, the number of its messages, and these,
--           a MESSAGE each
--
-- Messages are fed when their delivery was stored, as an event that was not
-- known (answers ENTRY and {3, ENTRY}): what is answered as before, or marked
-- as a copy, feeds nothing.  A message the key of whose id is there is counted
-- as a duplicate.  The key of the event is written, with H of the conversation
-- that its first message is of; it lets replies.lua find it.
--
-- The reply is that of store.lua, and {0, ENTRY, "fed", TEXT}: stored, but a
-- message could not be fed.  One more element, {-2, TEXT}, says that the
-- counters and marks could not be written.  An error instead: nothing was
-- stored.
--


local c, reply = clocks(11), {}
local s = deliveries(between, judge, compose, remember)


local function take(k, p, id)
    local has, kind = tonumber(ARGV[p + 3]) % 4, ARGV[p]
    local event, before, raw = k + 1 + has % 2, known(c, p, k)

    if before then
        return
    end

    if kind == 'auto' or kind == 'note' or kind == 'reaction' then
        feed(c, nil, p, id)

    else
        local v = unpacked(c, KEYS[k], raw)

        v.ref = v.ref or ARGV[p + 4]
        feed(c, v, p, id)

        if v.P[1] or v.l or v.Z[1] then
            save(c, v)
        end
    end

    if has % 2 == 1 then
        mark(c, k + 1, 1, c.ttl)
    end

    if has >= 2 and not c.marked[KEYS[event]] then
        mark(c, event, string.sub(KEYS[k], -22), c.forget)
    end
end


local a, size = c.rest, 6 + c.n

while a <= #ARGV do
    for i = 1, tonumber(ARGV[a + 15]) do
        if not valid(c, a + 16 + (i - 1) * size) then
            return redis.error_reply('ERR a message of delivery ' .. a)
        end
    end

    a = a + 16 + ARGV[a + 15] * size
end

a = c.rest
s.k = c.keys

while a <= #ARGV do
    local answer, entry = deliver(s, a)
    local p = a + 16

    for _ = 1, tonumber(ARGV[a + 15]) do
        local has = tonumber(ARGV[p + 3]) % 4

        if entry then
            local ok, err = try(take, s.k, p, ARGV[a + 1])

            if not ok then
                answer = { 0, entry, 'fed', err }
                s.failed = true
            end
        end

        s.k = s.k + 1 + has % 2 + (has >= 2 and 1 or 0)
        p = p + size
    end

    reply[#reply + 1] = answer
    a = p
end

local ok, err = try(flush, c)

if not ok then
    reply[#reply + 1] = { -2, err }
    s.failed = true
end

return finish(s, reply)
