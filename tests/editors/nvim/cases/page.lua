-- The page that two streams are written on (lua/hoist/screen.lua): what a terminal would show, however the text is cut.
local t = ...
local screens = require('hoist.screen')

--- The rows after those pieces: { stream, text } each.
local function rows(pieces, take_each)
  local screen, page = screens.new(), {}
  local function take()
    local first, fresh, changed = screen:take()
    for row, text in pairs(changed) do
      page[row + 1] = text
    end
    for i, text in ipairs(fresh) do
      page[first + i] = text
    end
  end
  for _, piece in ipairs(pieces) do
    screen:feed(piece[1], piece[2])
    if take_each then
      take()
    end
  end
  take()
  return page, screen
end

local function out(...)
  return vim.tbl_map(function(text)
    return { 'stdout', text }
  end, { ... })
end

local cases = {
  { 'lines', out('one\ntwo\n'), { 'one', 'two' } },
  { 'an empty line', out('one\n\ntwo\n'), { 'one', '', 'two' } },
  { 'half a line, then its rest', out('ha', 'lf\nnext'), { 'half', 'next' } },
  { 'line ends of Windows, cut between', out('one\r', '\ntwo\r\n'), { 'one', 'two' } },
  { 'a progress bar', out('\r 0%', '\r 50%', '\r100%\n'), { '100%' } },
  { 'a shorter text leaves the rest of the longer one', out('longer\rab'), { 'abnger' } },
  { 'what follows the overwritten part goes to the end', out('abc\rxyz', 'w\n'), { 'xyzw' } },
  { 'characters, not bytes, are overwritten', out('äöü→end\rab'), { 'abü→end' } },
  { 'backspaces', out('12%\b\b\b13%\n'), { '13%' } },
  { 'wiped to the end of the line', out('longer text\rshort\27[K\n'), { 'short' } },
  { 'a wiped line', out('something\27[2K\rnew\n'), { 'new' } },
  { 'colours are taken out', out('\27[1;31mred\27[0m plain\n'), { 'red plain' } },
  { 'a colour cut in the middle', out('a\27[1', ';31mred\27', '[0m\n'), { 'ared' } },
  { 'a window title and a link', out('\27]0;title\7a\27]8;;http://x\27\\b\27]8;;\27\\\n'), { 'ab' } },
  { 'a window title cut before its end', out('\27]0;ti', 'tle\27', '\\text\n'), { 'text' } },
  { 'a bell', out('ding\7\n'), { 'ding' } },
  { 'text that only looks like a colour', out('[31m\n'), { '[31m' } },
  {
    'the half line of one stream keeps its row',
    { { 'stdout', 'out ' }, { 'stderr', 'err\n' }, { 'stdout', 'put\n' } },
    { 'out put', 'err' },
  },
  {
    'a bar on standard error while standard output speaks',
    { { 'stderr', '\r1/2' }, { 'stdout', 'hello\n' }, { 'stderr', '\r2/2\n' } },
    { '2/2', 'hello' },
  },
}

for _, case in ipairs(cases) do
  t.test('page: ' .. case[1], function()
    t.equal((rows(case[2])), case[3], 'taken at the end')
    t.equal((rows(case[2], true)), case[3], 'taken after each piece')
  end)
end

t.test('page: any cut of the text gives the same page', function()
  local alphabet = { 'a', 'bc', 'é', '→', '\n', '\r', '\r\n', '\b', '\27[31m', '\27[0m', '\27[K', '\27[2K', '\27]0;x\7', '\27]8;;u\27\\', '\7', '\t', ' ' }
  math.randomseed(20)
  for _ = 1, 400 do
    local words = {}
    for i = 1, math.random(1, 30) do
      words[i] = alphabet[math.random(#alphabet)]
    end
    local text = table.concat(words)
    local whole = rows(out(text))
    -- The server never cuts inside a character; everything else may be cut.
    local pieces, at = {}, 1
    while at <= #text do
      local stop = at + math.random(0, 4)
      while stop < #text and text:byte(stop + 1) >= 128 and text:byte(stop + 1) < 192 do
        stop = stop + 1
      end
      pieces[#pieces + 1] = text:sub(at, stop)
      at = stop + 1
    end
    local cut = rows(out(unpack(pieces)), true)
    -- A last row that was wiped again is there only when its text had been seen.
    if #cut == #whole + 1 and cut[#cut] == '' then
      cut[#cut] = nil
    end
    t.equal(cut, whole, vim.inspect(pieces))
  end
end)

t.test('page: rows know their stream', function()
  local _, screen = rows({ { 'stdout', 'a\n' }, { 'stderr', 'b\n' }, { 'stdout', 'c\n' } })
  t.equal(screen.kinds, { [1] = 'stderr' })
end)
