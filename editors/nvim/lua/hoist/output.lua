--- What a job prints: one buffer a job, filled as the text comes, and one window that shows it.
local api = vim.api
local config = require('hoist.config')
local screens = require('hoist.screen')
local util = require('hoist.util')

local M = {}

---@class hoist.View
---@field job string
---@field buf integer
---@field screen hoist.Screen
---@field dropped integer rows that were taken off the top
---@field next table<string, integer> per stream, the byte that comes next
---@field seen table<string, integer> per stream, the byte up to which the server has spoken of
---@field fetching table<string, boolean> per stream, earlier output is being asked for
---@field ended boolean the end is written below the output
---@field flushing boolean a flush is on its way

---@type table<string, hoist.View>
local views = {}
---@type table<integer, hoist.View>
local by_buffer = {}
---@type string[] the jobs that have a view, the oldest first
local order = {}

local namespace = api.nvim_create_namespace('hoist.output')
local STREAMS = { 'stdout', 'stderr' }
local FLUSH_AFTER_MS = 30
-- More finished and hidden buffers than this are let go; the server keeps every output.
local KEPT_VIEWS = 20

local highlight_of = {
  stderr = 'HoistStderr',
  note = 'HoistNote',
  good = 'HoistSucceeded',
  bad = 'HoistFailed',
  place = 'HoistPlace',
}

-- Rows are coloured as they are drawn: a hundred thousand of them cost nothing until they are looked at.
api.nvim_set_decoration_provider(namespace, {
  on_win = function(_, _, buf)
    return by_buffer[buf] ~= nil
  end,
  on_line = function(_, _, buf, row)
    local view = by_buffer[buf]
    local kind = view and view.screen.kinds[row + view.dropped]
    if kind and highlight_of[kind] then
      api.nvim_buf_set_extmark(buf, namespace, row, 0, {
        end_row = row + 1,
        end_col = 0,
        hl_group = highlight_of[kind],
        ephemeral = true,
      })
    end
  end,
})

--- The windows that show the buffer with the cursor on its last line: they follow the output.
local function followers(buf)
  local last = api.nvim_buf_line_count(buf)
  local found = {}
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    local chosen = win == api.nvim_get_current_win() and not api.nvim_get_mode().mode:find('^[nt]')
    if not chosen and api.nvim_win_get_cursor(win)[1] >= last then
      found[#found + 1] = win
    end
  end
  return found
end

--- Brings what the screen has gathered into the buffer.
---@param view hoist.View
local function flush(view)
  view.flushing = false
  if not api.nvim_buf_is_valid(view.buf) then
    return
  end
  local first, fresh, changed = view.screen:take()
  if #fresh == 0 and not next(changed) then
    return
  end
  local follow = followers(view.buf)
  vim.bo[view.buf].modifiable = true
  for row, text in pairs(changed) do
    local line = row - view.dropped
    if line >= 0 then
      api.nvim_buf_set_lines(view.buf, line, line + 1, false, { text })
    end
  end
  if #fresh > 0 then
    -- An empty buffer has one empty line, which the first rows replace.
    local line = first - view.dropped
    api.nvim_buf_set_lines(view.buf, line, first == 0 and 1 or line, false, fresh)
  end
  local limit = config.get().output.lines
  local over = view.screen.count - view.dropped - limit
  -- A tenth at a time: taking one row off the top for every row that comes would be slow.
  if over > limit / 10 then
    api.nvim_buf_set_lines(view.buf, 0, over, false, {})
    for row = view.dropped, view.dropped + over - 1 do
      view.screen.kinds[row] = nil
    end
    view.dropped = view.dropped + over
  end
  vim.bo[view.buf].modifiable = false
  vim.bo[view.buf].modified = false
  local last = api.nvim_buf_line_count(view.buf)
  for _, win in ipairs(follow) do
    api.nvim_win_set_cursor(win, { last, 0 })
  end
  M.redraw_title(view.job)
end

---@param view hoist.View
local function flush_soon(view)
  if not view.flushing then
    view.flushing = true
    vim.defer_fn(function()
      flush(view)
    end, FLUSH_AFTER_MS)
  end
end

local function forget(view)
  views[view.job] = nil
  by_buffer[view.buf] = nil
  for i, job in ipairs(order) do
    if job == view.job then
      table.remove(order, i)
      break
    end
  end
end

local function let_old_ones_go()
  local spare = #order - KEPT_VIEWS
  for _, job in ipairs(vim.list_slice(order)) do
    local view = views[job]
    if spare > 0 and view and view.ended and #vim.fn.win_findbuf(view.buf) == 0 then
      spare = spare - 1
      api.nvim_buf_delete(view.buf, { force = true })
    end
  end
end

--- Takes in text that starts at byte `offset`, unless it is here already or something before it is missing.
---@return boolean complete whether nothing is missing before it
local function take_in(view, stream, offset, next_offset, text)
  view.seen[stream] = math.max(view.seen[stream], next_offset)
  if next_offset <= view.next[stream] then
    return true
  end
  if offset ~= view.next[stream] then
    return false
  end
  view.next[stream] = next_offset
  view.screen:feed(stream, text)
  flush_soon(view)
  return true
end

local write_end

--- Asks the server for what is missing, piece by piece.
---@param view hoist.View
local function fetch(view, stream)
  local job = require('hoist.jobs').get(view.job)
  local client = util.client(job and job.client_id)
  if not client then
    view.fetching[stream] = false
    return
  end
  view.fetching[stream] = true
  local params = { job = view.job, stream = stream, offset = view.next[stream] }
  util.request(client, 'hoist/output', params, function(err, answer)
    view.fetching[stream] = false
    if err or not answer or views[view.job] ~= view then
      return
    end
    take_in(view, stream, answer.offset, answer.next, answer.text)
    if answer.next > params.offset and view.next[stream] < math.max(answer.size, view.seen[stream]) then
      fetch(view, stream)
    else
      write_end(view)
    end
  end)
end

--- Whether Python has printed the traceback itself, as the last thing or nearly so.
local function says_traceback(view)
  flush(view)
  for _, line in ipairs(api.nvim_buf_get_lines(view.buf, -300, -1, false)) do
    if vim.startswith(line, 'Traceback (most recent call last):') then
      return true
    end
  end
  return false
end

--- The result or the error below the output, once all output is here.
---@param view hoist.View
write_end = function(view)
  local job = require('hoist.jobs').get(view.job)
  if view.ended or not job or not util.ended(job) then
    return
  end
  if view.fetching.stdout or view.fetching.stderr then
    return
  end
  view.ended = true
  local screen = view.screen
  local took = job.wallSeconds and (' in ' .. util.duration(job.wallSeconds)) or ''
  local sentence = ('%s on %s %s%s'):format(util.call(job), job.target, util.state_words(job.state), took)
  local good = job.state == 'succeeded'
  if screen.count > 0 then
    screen:note('note', '')
  end
  screen:note(good and 'good' or 'bad', sentence .. (good and '' or util.why(job)))
  if job.result then
    screen:note('result', job.result.repr)
  end
  if job.error and not says_traceback(view) then
    for _, frame in ipairs(job.error.frames or {}) do
      screen:note('place', ('  %s:%d in %s'):format(frame.file, frame.line, frame['function']))
    end
  end
  flush(view)
  M.redraw_title(view.job)
end

local function title(view)
  local job = require('hoist.jobs').get(view.job)
  local function plain(text)
    return (text:gsub('%%', '%%%%'):gsub('%c', ' '))
  end
  if not job then
    return plain(view.job)
  end
  local highlight = ({ succeeded = 'HoistSucceeded', failed = 'HoistFailed', timed_out = 'HoistFailed', lost = 'HoistFailed' })[job.state]
    or (util.ended(job) and 'HoistNote' or 'HoistRunning')
  local state = util.state_words(job.state)
  local took = util.took(job)
  if took then
    state = state .. ' ' .. took
  end
  local detail = not util.ended(job) and (job.message or job.reason)
  return ('%%#HoistTitle# %s on %s %%#%s# %s%%* %s'):format(
    plain(util.call(job)), plain(job.target), highlight, plain(state), detail and plain(detail) or '')
end

--- Brings the line above the output up to date, in every window that shows it.
---@param job string
function M.redraw_title(job)
  local view = views[job]
  if not view then
    return
  end
  local text = title(view)
  for _, win in ipairs(vim.fn.win_findbuf(view.buf)) do
    if vim.wo[win].winbar ~= text then
      api.nvim_set_option_value('winbar', text, { scope = 'local', win = win })
    end
  end
end

--- The jobs whose output some window shows.
function M.visible()
  return vim.tbl_filter(function(job)
    return #vim.fn.win_findbuf(views[job].buf) > 0
  end, order)
end

--- Whether this tab page shows the job's output.
function M.is_visible(job)
  local view = views[job]
  if not view then
    return false
  end
  for _, win in ipairs(api.nvim_tabpage_list_wins(0)) do
    if api.nvim_win_get_buf(win) == view.buf then
      return true
    end
  end
  return false
end

--- Opens the file of a place like `train.py:14` or `File "train.py", line 14` in the line under the cursor.
local function go_to_place(view)
  local line = api.nvim_get_current_line()
  local file, number = line:match('File "([^"]+)", line (%d+)')
  if not file then
    file, number = line:match('^%s*(%S.-):(%d+)')
  end
  if not file then
    return util.say('There is no place in a file on this line.', vim.log.levels.INFO)
  end
  local job = require('hoist.jobs').get(view.job)
  local path = util.local_path(job, file)
  if not path then
    return util.say(('%s is not on this machine.'):format(file), vim.log.levels.WARN)
  end
  local target
  for _, win in ipairs(vim.list_extend({ vim.fn.win_getid(vim.fn.winnr('#')) }, api.nvim_tabpage_list_wins(0))) do
    if win ~= 0 and api.nvim_win_is_valid(win) and vim.bo[api.nvim_win_get_buf(win)].buftype == '' then
      target = win
      break
    end
  end
  if target then
    api.nvim_set_current_win(target)
  else
    vim.cmd('aboveleft split')
  end
  vim.cmd("normal! m'")
  if vim.fs.normalize(api.nvim_buf_get_name(0)) ~= vim.fs.normalize(path) then
    vim.cmd.edit(vim.fn.fnameescape(path))
  end
  api.nvim_win_set_cursor(0, { math.min(tonumber(number), api.nvim_buf_line_count(0)), 0 })
  vim.cmd('normal! ^')
end

local function set_keys(view)
  local function key(keys, what, action)
    vim.keymap.set('n', keys, action, { buffer = view.buf, desc = 'Hoist: ' .. what, nowait = true })
  end
  key('q', 'close the output', function()
    if #api.nvim_tabpage_list_wins(0) > 1 then
      api.nvim_win_close(0, false)
    end
  end)
  key('c', 'cancel the job', function()
    require('hoist.jobs').cancel(view.job)
  end)
  key('<CR>', 'go to the place in this line', function()
    go_to_place(view)
  end)
end

--- The view of a job, made when there is none.
---@param job string
---@return hoist.View
local function ensure(job)
  if views[job] then
    return views[job]
  end
  local buf = api.nvim_create_buf(false, true)
  local known = require('hoist.jobs').get(job)
  local view = {
    job = job,
    buf = buf,
    screen = screens.new(),
    dropped = 0,
    next = { stdout = 0, stderr = 0 },
    seen = { stdout = 0, stderr = 0 },
    fetching = {},
    ended = false,
    flushing = false,
  }
  views[job] = view
  by_buffer[buf] = view
  order[#order + 1] = job
  pcall(api.nvim_buf_set_name, buf, ('hoist://%s/%s'):format(job, known and known.name:gsub('[^%w_.<>-]', '_') or 'output'))
  vim.bo[buf].bufhidden = 'hide'
  vim.bo[buf].undolevels = -1
  vim.bo[buf].modifiable = false
  vim.bo[buf].filetype = 'hoistoutput'
  api.nvim_create_autocmd('BufWipeout', {
    buffer = buf,
    callback = function()
      forget(view)
    end,
  })
  -- Another window may come to show it, by a command of the user's.
  api.nvim_create_autocmd('BufWinEnter', {
    buffer = buf,
    callback = function()
      M.redraw_title(job)
    end,
  })
  set_keys(view)
  let_old_ones_go()
  return view
end

--- Text that a job printed (`hoist/jobOutput`). Jobs that nobody looks at are not kept: `show` asks for theirs.
---@param params { job: string, stream: string, offset: integer, next: integer, text: string }
function M.receive(params)
  local view = views[params.job]
  if not view or view.next[params.stream] == nil then
    return
  end
  local complete = take_in(view, params.stream, params.offset, params.next, params.text)
  if not complete and not view.fetching[params.stream] then
    fetch(view, params.stream)
  end
end

--- A job changed: the title, and at its end the result.
function M.changed(job)
  local view = views[job]
  if view then
    write_end(view)
    M.redraw_title(job)
  end
end

--- The buffer of a job's output, nil when there is none.
function M.buffer(job)
  return views[job] and views[job].buf
end

--- Starts to gather a new job's output from its first byte, without showing it.
function M.gather(job)
  ensure(job)
end

--- Opens the output window. The text above stays where it is, unless that would take the cursor's line out of sight.
local function open_window(buf, enter)
  local height = math.min(config.get().output.height, math.max(3, math.floor(vim.o.lines / 2)))
  local kept = vim.o.splitkeep
  if vim.fn.winline() < api.nvim_win_get_height(0) - height - 1 then
    vim.o.splitkeep = 'topline'
  end
  local ok, window = pcall(api.nvim_open_win, buf, enter or false, { split = 'below', win = -1, height = height })
  vim.o.splitkeep = kept
  return ok and window or error(window, 0)
end

--- Shows a job's output in this tab page's output window.
---@param job string
---@param enter boolean|nil whether the cursor goes there
function M.show(job, enter)
  local fresh = not views[job]
  local view = ensure(job)
  local window
  for _, win in ipairs(api.nvim_tabpage_list_wins(0)) do
    if by_buffer[api.nvim_win_get_buf(win)] then
      window = win
      break
    end
  end
  if window then
    if api.nvim_win_get_buf(window) ~= view.buf then
      api.nvim_win_set_buf(window, view.buf)
    end
    if enter then
      api.nvim_set_current_win(window)
    end
  else
    window = open_window(view.buf, enter)
  end
  for option, value in pairs({
    number = false,
    relativenumber = false,
    signcolumn = 'no',
    foldcolumn = '0',
    foldenable = false,
    list = false,
    spell = false,
    cursorline = false,
    wrap = true,
    winfixheight = true,
    fillchars = 'eob: ',
  }) do
    api.nvim_set_option_value(option, value, { scope = 'local', win = window })
  end
  M.redraw_title(job)
  if fresh then
    for _, stream in ipairs(STREAMS) do
      fetch(view, stream)
    end
  end
  local last = api.nvim_buf_line_count(view.buf)
  api.nvim_win_set_cursor(window, { last, 0 })
end

return M
