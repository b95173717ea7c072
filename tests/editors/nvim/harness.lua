-- Runs the tests of one file inside the Neovim that they drive, and quits with their outcome.
-- A test file gets `t`; every test starts with empty windows and a workspace of its own.
local t = { notices = {} }
local passed, failed = 0, 0
local workspace_number = 0

local function print_line(text)
  io.stdout:write(text, '\n')
  io.stdout:flush()
end

-- What the plugin says to the user, kept for the tests.
vim.notify = function(message, level)
  table.insert(t.notices, { message = message, level = level or vim.log.levels.INFO })
end

-- Lists to choose from: what was asked is kept, and `t.choose` answers; nil turns away.
vim.ui.select = function(items, options, answer)
  local shown = vim.tbl_map(options.format_item or tostring, items)
  table.insert(t.notices, { message = options.prompt or '', items = shown, level = vim.log.levels.INFO })
  vim.schedule(function()
    for i, text in ipairs(shown) do
      if t.choose and text:find(t.choose, 1, true) then
        return answer(items[i], i)
      end
    end
    answer(nil, nil)
  end)
end

-- Lines to type: `t.answer` is what is typed; nil turns away.
vim.ui.input = function(options, answer)
  table.insert(t.notices, { message = options.prompt, default = options.default, level = vim.log.levels.INFO })
  vim.schedule(function()
    answer(t.answer)
  end)
end

--- Waits until the function gives something true, and returns it; fails with the words and what `last` says otherwise.
function t.eventually(what, milliseconds, look, last)
  local found
  vim.wait(milliseconds, function()
    found = look()
    return found
  end, 20)
  if not found then
    error(('waited %d ms in vain for %s%s'):format(milliseconds, what, last and '\n' .. tostring(last()) or ''), 2)
  end
  return found
end

function t.equal(found, wanted, what)
  if not vim.deep_equal(found, wanted) then
    error(('%s: found %s, wanted %s'):format(what or 'not equal', vim.inspect(found), vim.inspect(wanted)), 2)
  end
end

function t.contains(text, part, what)
  if not text:find(part, 1, true) then
    error(('%s: %q is not in\n%s'):format(what or 'missing', part, text), 2)
  end
end

--- Presses keys as a user would, mappings included.
function t.press(keys)
  vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(keys, true, false, true), 'mx', false)
end

--- A file in a workspace of its own, opened. Lines end in \n; what `text` shows is what the file has.
function t.open(name, text)
  workspace_number = workspace_number + 1
  local folder = ('%s/w%d'):format(vim.env.HOIST_TEST_FOLDER, workspace_number)
  t.folder = folder
  t.write(name, text)
  vim.cmd.edit(vim.fn.fnameescape(folder .. '/' .. name))
  t.buf = vim.api.nvim_get_current_buf()
  t.win = vim.api.nvim_get_current_win()
  return t.buf
end

--- Writes a file into the workspace of this test.
function t.write(name, text)
  local path = t.folder .. '/' .. name
  vim.fn.mkdir(vim.fs.dirname(path), 'p')
  local file = assert(io.open(path, 'wb'))
  file:write(text)
  file:close()
  return path
end

--- Waits for the server.
function t.attached()
  return t.eventually('the server', 60000, function()
    return vim.lsp.get_clients({ name = 'hoist', bufnr = t.buf })[1]
  end)
end

--- The lenses as they are drawn: line (from 1) -> text.
function t.lenses()
  local drawn = {}
  for name, namespace in pairs(vim.api.nvim_get_namespaces()) do
    if name:find('codelens') then
      for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(t.buf, namespace, 0, -1, { details = true })) do
        local text = {}
        for _, chunk in ipairs(mark[4].virt_text or {}) do
          text[#text + 1] = chunk[1]
        end
        drawn[mark[2] + 1] = table.concat(text)
      end
    end
  end
  return drawn
end

--- Waits until a lens with that text is drawn on that line.
function t.lens(line, part)
  return t.eventually(('a lens %q on line %d'):format(part, line), 60000, function()
    local text = t.lenses()[line]
    return text and text:find(part, 1, true) and text
  end, function()
    return vim.inspect(t.lenses())
  end)
end

--- Puts the cursor on the first line that has the text.
function t.to(text)
  vim.api.nvim_set_current_win(t.win)
  for number, line in ipairs(vim.api.nvim_buf_get_lines(t.buf, 0, -1, false)) do
    if line:find(text, 1, true) then
      vim.api.nvim_win_set_cursor(t.win, { number, 0 })
      return number
    end
  end
  error('no line has ' .. text, 2)
end

--- The text of the newest job's output buffer, wherever it is shown.
function t.output()
  for _, win in ipairs(vim.api.nvim_list_wins()) do
    local buf = vim.api.nvim_win_get_buf(win)
    if vim.bo[buf].filetype == 'hoistoutput' then
      return table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, false), '\n'), win, buf
    end
  end
  return ''
end

--- Waits until the output window shows the text.
function t.shows(part, milliseconds)
  return t.eventually(('%q in the output'):format(part), milliseconds or 60000, function()
    local text = t.output()
    return text:find(part, 1, true) and text
  end, function()
    return t.output() .. '\n' .. vim.inspect(t.notices)
  end)
end

--- The newest job of this test, nil before there is one.
function t.job()
  local newest = require('hoist').jobs()[1]
  return newest and not t.before[newest.job] and newest or nil
end

--- The newest job of this test once it is at its end.
function t.finished(milliseconds)
  return t.eventually('the end of the job', milliseconds or 60000, function()
    local job = t.job()
    return job and job.ended and job
  end, function()
    return vim.inspect(t.job()) .. t.output() .. vim.inspect(t.notices)
  end)
end

--- Hoist's diagnostics of the buffer with that text: line (from 1) -> message.
function t.diagnostics(part)
  local found = {}
  for _, diagnostic in ipairs(vim.diagnostic.get(t.buf)) do
    if diagnostic.source == 'hoist' and diagnostic.message:find(part, 1, true) then
      found[diagnostic.lnum + 1] = diagnostic.message
    end
  end
  return found
end

--- What was said to the user with that text in it, waited for.
function t.notice(part, milliseconds)
  return t.eventually(('the notice %q'):format(part), milliseconds or 30000, function()
    for _, notice in ipairs(t.notices) do
      if notice.message:find(part, 1, true) then
        return notice
      end
    end
  end, function()
    return vim.inspect(t.notices)
  end)
end

--- Defines and runs a test. HOIST_TEST_ONLY=TEXT leaves out those without the text in their name.
function t.test(name, body)
  if vim.env.HOIST_TEST_ONLY and not name:find(vim.env.HOIST_TEST_ONLY, 1, true) then
    return
  end
  t.notices, t.before, t.choose, t.answer = {}, {}, nil, nil
  for _, job in ipairs(require('hoist').jobs()) do
    t.before[job.job] = true
  end
  vim.cmd('silent! only!')
  vim.cmd.enew({ bang = true })
  local start = vim.uv.hrtime()
  local ok, problem = xpcall(body, debug.traceback)
  local seconds = (vim.uv.hrtime() - start) / 1e9
  -- Nothing of this test may run on into the next.
  if package.loaded['hoist.jobs'] then
    for _, job in ipairs(require('hoist.jobs').unfinished()) do
      require('hoist.jobs').cancel(job.job)
    end
    vim.wait(5000, function()
      return #require('hoist.jobs').unfinished() == 0
    end, 20)
  end
  if ok then
    passed = passed + 1
    print_line(('ok: %s (%.1f s)'):format(name, seconds))
  else
    failed = failed + 1
    print_line(('not ok: %s (%.1f s)\n%s'):format(name, seconds, tostring(problem)))
  end
end

vim.g.mapleader = ' '
local ok, problem = xpcall(function()
  assert(loadfile(vim.env.HOIST_TEST_CASES))(t)
end, debug.traceback)
if not ok then
  failed = failed + 1
  print_line('not ok: ' .. tostring(problem))
end
print_line(('%d passed, %d failed'):format(passed, failed))
vim.cmd(failed == 0 and 'qall!' or 'cquit!')
