--- What two output streams look like on one page, the way a terminal would show them: newlines end a row, a carriage
--- return goes back to the row's start so that what follows overwrites it (progress bars), colours and other escape
--- sequences are taken out. Knows nothing of buffers and windows.
---
--- Each stream writes into a row of its own, so that half a line of one never has the other's text in its middle.
--- Comes in: pieces of text, cut anywhere. Goes out: rows to append and rows to replace (`take`).
local M = {}

---@class hoist.Pen
---@field row integer|nil the row that the stream is writing, nil between lines
---@field text string what stands in that row
---@field column integer|nil in characters, where the next text goes; nil is the row's end
---@field held string the start of an escape sequence whose end has not come yet

---@class hoist.Screen
---@field count integer rows so far
---@field kinds table<integer, string> the rows that are not standard output, by row from 0
---@field pens table<string, hoist.Pen>
---@field first_fresh integer the first row that `take` has not given out yet
---@field fresh string[]
---@field changed table<integer, string>
local Screen = {}
Screen.__index = Screen

function M.new()
  return setmetatable({ count = 0, kinds = {}, pens = {}, first_fresh = 0, fresh = {}, changed = {} }, Screen)
end

-- An escape sequence that is longer than this without an end is not one: show it rather than wait for ever.
local LONGEST_ESCAPE = 4096

--- Takes an unfinished escape sequence off the end.
---@return string whole, string rest
local function hold_back(text)
  local from = text:find('\27[^\27]*$')
  if not from or #text - from > LONGEST_ESCAPE then
    return text, ''
  end
  local tail = text:sub(from)
  local second = tail:sub(2, 2)
  local complete
  if second == '[' then
    complete = tail:find('^\27%[[0-?]*[ -/]*[@-~]') or tail:find('^\27%[[0-?]*[ -/]*[^ -~]')
  elseif second == ']' then
    complete = tail:find('\7', 1, true)
  else
    complete = tail:find('^\27[ -/]*[0-~]') or tail:find('^\27[ -/]*[^ -~]')
  end
  -- An OSC sequence may also end in ESC \, whose first half is what was found here.
  if not complete and second == '\\' then
    complete = true
  end
  if complete then
    return text, ''
  end
  local before = text:sub(1, from - 1)
  local open_osc = tail == '\27' and before:find('\27%][^\7\27]*$')
  if open_osc then
    return before:sub(1, open_osc - 1), before:sub(open_osc) .. tail
  end
  return before, tail
end

local function characters(text)
  return #text - select(2, text:gsub('[\128-\191]', ''))
end

--- The byte at which the character number `column` (from 0) starts, or the end.
local function byte_at(text, column)
  if not text:find('[\128-\255]') then
    return math.min(column, #text) + 1
  end
  local starts = vim.str_utf_pos(text)
  return starts[column + 1] or #text + 1
end

--- Writes text at the pen's place in its row, over what stands there.
local function put(pen, text)
  if text == '' then
    return
  end
  if not pen.column then
    pen.text = pen.text .. text
    return
  end
  local wide = characters(text)
  local from = byte_at(pen.text, pen.column)
  local to = byte_at(pen.text, pen.column + wide)
  pen.text = pen.text:sub(1, from - 1) .. text .. pen.text:sub(to)
  pen.column = pen.column + wide
  if pen.column >= characters(pen.text) then
    pen.column = nil
  end
end

--- `CSI parameters final`: only what moves within a row or wipes it means something on a page.
local function control(pen, parameters, final)
  local place = pen.column or characters(pen.text)
  if final == 'K' then
    if parameters == '' or parameters == '0' then
      pen.text = pen.text:sub(1, byte_at(pen.text, place) - 1)
      pen.column = nil
    elseif parameters == '2' then
      pen.text, pen.column = '', nil
    end
  elseif final == 'G' then
    pen.column = math.min(math.max((tonumber(parameters) or 1) - 1, 0), characters(pen.text))
  end
end

--- One line's text with its carriage returns, backspaces and escape sequences.
local function write(pen, text)
  if not text:find('[\r\b\7\27]') then
    return put(pen, text)
  end
  local at = 1
  while at <= #text do
    local special = text:find('[\r\b\7\27]', at)
    put(pen, text:sub(at, (special or 0) - 1))
    if not special then
      return
    end
    local what = text:sub(special, special)
    at = special + 1
    if what == '\r' then
      pen.column = pen.text ~= '' and 0 or nil
    elseif what == '\b' then
      pen.column = math.max((pen.column or characters(pen.text)) - 1, 0)
    elseif what == '\27' then
      local _, last, parameters, final = text:find('^%[([0-?]*)[ -/]*([@-~])', at)
      if last then
        control(pen, parameters, final)
      else
        last = select(2, text:find('^%][^\7\27]*\7', at)) or select(2, text:find('^%][^\7\27]*\27\\', at)) or select(2, text:find('^[ -/]*[0-~]', at))
      end
      at = (last or special) + 1
    end
  end
end

function Screen:_pen(stream)
  local pen = self.pens[stream]
  if not pen then
    pen = { text = '', held = '' }
    self.pens[stream] = pen
  end
  return pen
end

--- A row as it now stands: appended when it is new, else noted as changed.
function Screen:_set(row, text)
  if row >= self.first_fresh then
    self.fresh[row - self.first_fresh + 1] = text
  else
    self.changed[row] = text
  end
end

function Screen:_new_row(kind, text)
  local row = self.count
  self.count = row + 1
  if kind ~= 'stdout' then
    self.kinds[row] = kind
  end
  self:_set(row, text)
  return row
end

--- Text of one stream ("stdout" or "stderr"), cut anywhere.
function Screen:feed(stream, text)
  local pen = self:_pen(stream)
  text, pen.held = hold_back(pen.held .. text)
  local at = 1
  while at <= #text do
    local stop = text:find('\n', at, true)
    write(pen, text:sub(at, (stop or 0) - 1))
    if pen.row then
      self:_set(pen.row, pen.text)
    elseif stop or pen.text ~= '' then
      pen.row = self:_new_row(stream, pen.text)
    end
    if not stop then
      return
    end
    pen.row, pen.text, pen.column = nil, '', nil
    at = stop + 1
  end
end

--- A row of our own between or after the job's: `kind` says how it looks. Half lines stay as they are.
function Screen:note(kind, text)
  for _, line in ipairs(vim.split(text, '\r?\n')) do
    self:_new_row(kind, line)
  end
end

--- What is new since the last call.
---@return integer first the row at which `fresh` is appended
---@return string[] fresh
---@return table<integer, string> changed rows before `first` that read differently now
function Screen:take()
  local first, fresh, changed = self.first_fresh, self.fresh, self.changed
  self.first_fresh, self.fresh, self.changed = self.count, {}, {}
  return first, fresh, changed
end

return M
