-- What the user can set (vim.g.hoist), and what is said when it is set wrongly.
local t = ...

local ONE = 'def one():\n    print("printed")\n    return 1\n'

local function with(settings, body)
  local before = vim.g.hoist
  vim.g.hoist = settings
  local ok, problem = xpcall(body, debug.traceback)
  vim.g.hoist = before
  if not ok then
    error(problem, 0)
  end
end

t.test('settings: what is wrong is named, and counts as not set', function()
  local config = require('hoist.config')
  t.equal(config.problems(nil), {})
  t.equal(config.problems({ keys = false, output = { height = 5 } }), {})
  t.equal(config.problems({ kyes = false }), { 'vim.g.hoist.kyes is no setting of Hoist; see :help hoist-settings.' })
  t.equal(config.problems({ lenses = 'no' }), { 'vim.g.hoist.lenses must be a boolean, but is a string.' })
  t.equal(config.problems({ output = { hight = 3 } }), { 'vim.g.hoist.output.hight is no setting of Hoist; see :help hoist-settings.' })
  t.equal(config.problems('off'), { 'vim.g.hoist must be a table, but is a string.' })
  with({ lenses = 'no', output = { height = -1 } }, function()
    t.equal(config.get().lenses, true)
    t.equal(config.get().output.height, 12)
    vim.cmd('checkhealth hoist')
    t.contains(table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n'), 'vim.g.hoist.lenses must be a boolean')
  end)
end)

t.test('settings: a program that is not there is said once, and nothing else happens', function()
  with({ cmd = '/nowhere/hoist' }, function()
    t.open('first.py', ONE)
    t.notice('/nowhere/hoist')
    t.open('second.py', ONE)
    vim.wait(300)
    t.equal(#t.notices, 1)
    t.equal(#vim.lsp.get_clients({ bufnr = t.buf }), 0)
    t.notices = {}
    vim.cmd('Hoist run')
    t.notice('checkhealth hoist')
  end)
end)

t.test('settings: the program is named with its whole path', function()
  with({ cmd = vim.env.HOIST_BIN }, function()
    t.open('one.py', ONE)
    t.attached()
    t.lens(1, 'Run on local')
  end)
end)

t.test('settings: autostart = false starts nothing until it is told to', function()
  vim.lsp.stop_client(vim.lsp.get_clients({ name = 'hoist' }))
  t.eventually('the end of the server', 30000, function()
    return #vim.lsp.get_clients({ name = 'hoist' }) == 0
  end)
  with({ autostart = false }, function()
    t.open('one.py', ONE)
    vim.wait(500)
    t.equal(#vim.lsp.get_clients({ bufnr = t.buf }), 0)
    vim.cmd('Hoist restart')
    t.attached()
  end)
end)

t.test('settings: keys of the user, and a key that is taken', function()
  vim.keymap.set('n', '<Space>hj', '<Cmd>let g:mine = 1<CR>')
  with({ keys = { run = 'gR', args = false } }, function()
    t.open('one.py', ONE)
    t.attached()
    t.equal(vim.fn.maparg('<Space>hr', 'n'), '')
    t.equal(vim.fn.maparg('<Space>ha', 'n'), '')
    t.press('<Space>hj')
    t.equal(vim.g.mine, 1, 'the mapping of the user')
    t.press('gR')
    t.equal(t.finished().result.repr, '1')
  end)
  vim.keymap.del('n', '<Space>hj')
end)

t.test('settings: no keys at all', function()
  with({ keys = false }, function()
    t.open('one.py', ONE)
    t.attached()
    for _, mode in ipairs({ 'n', 'x' }) do
      for _, map in ipairs(vim.api.nvim_buf_get_keymap(t.buf, mode)) do
        assert(not (map.desc or ''):find('Hoist', 1, true), map.lhs)
      end
    end
    t.press('<Plug>(hoist-run)')
    t.equal(t.finished().result.repr, '1')
  end)
end)

t.test('settings: no lenses', function()
  with({ lenses = false }, function()
    t.open('one.py', ONE)
    t.attached()
    vim.cmd('Hoist run')
    t.finished()
    t.equal(t.lenses(), {})
  end)
end)

t.test('settings: the output stays closed until it is asked for, and is whole then', function()
  with({ output = { open = false } }, function()
    t.open('one.py', ONE)
    t.attached()
    t.press('<Space>hr')
    t.finished()
    t.equal(t.output(), '')
    t.equal(#vim.api.nvim_tabpage_list_wins(0), 1)
    t.press('<Space>ho')
    t.contains(t.shows('one() on local succeeded'), 'printed\n')
  end)
end)

t.test('settings: no word at the end of a job', function()
  with({ notify = false }, function()
    t.open('one.py', ONE)
    t.attached()
    t.press('<Space>hr')
    t.shows('one() on local succeeded')
    t.equal(t.notices, {})
  end)
end)

t.test('settings: of a long output the last rows are kept', function()
  with({ output = { lines = 1000 } }, function()
    t.open('long.py', 'def long():\n    for i in range(20000):\n        print(i)\n')
    t.attached()
    t.to('def long')
    t.press('<Space>hr')
    local lines = vim.split(t.shows('long() on local succeeded'), '\n')
    assert(#lines >= 1000 and #lines <= 1110, ('%d rows are kept'):format(#lines))
    local at
    for row, line in ipairs(lines) do
      at = line == '19999' and row or at
    end
    assert(at, 'the last line is gone')
    for back = 0, 899 do
      t.equal(lines[at - back], tostring(19999 - back))
    end
  end)
end)
