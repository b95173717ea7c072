-- From opening a file to the result, on the target `local`.
local t = ...

local TRAIN = [[
import time

RATE = 0.5

def train(epochs=3):
    for epoch in range(epochs):
        print("epoch", epoch + 1, "at", time.time(), flush=True)
        time.sleep(1)
    return {"loss": RATE / epochs}

def outer():
    def inner():
        values = [1, 2]
        return values[5]
    return inner()
]]

t.test('lenses are drawn on every function, nested ones too', function()
  t.open('train.py', TRAIN)
  t.attached()
  t.contains(t.lens(5, 'Run on local'), 'Run with arguments')
  t.lens(11, 'Run on local')
  t.lens(12, 'Run on local')
  t.equal(t.lenses()[1], nil, 'a line without a function')
end)

t.test('lenses follow the text', function()
  t.open('train.py', TRAIN)
  t.attached()
  t.lens(5, 'Run on local')
  vim.api.nvim_buf_set_lines(t.buf, 0, 0, false, { '# a new first line', '' })
  t.press('A.<Esc>')
  t.lens(7, 'Run on local')
  t.eventually('the old line without a lens', 30000, function()
    return t.lenses()[5] == nil
  end)
  vim.api.nvim_buf_set_lines(t.buf, -1, -1, false, { '', 'def added():', '    return 1' })
  t.press('A <Esc>')
  t.lens(19, 'Run on local')
end)

t.test('a key runs the function at the cursor; its lines show as they are printed, then the result', function()
  t.open('train.py', TRAIN)
  t.attached()
  t.to('print("epoch"')
  t.press('<Space>hr')
  local late = {}
  for epoch = 1, 3 do
    local text = t.shows(('epoch %d at '):format(epoch))
    local printed = tonumber(text:match(('epoch %d at ([%%d.]+)'):format(epoch)))
    local seconds, micro = vim.uv.gettimeofday()
    late[epoch] = seconds + micro / 1e6 - printed
  end
  -- A second passes after each of them: were they kept back until the next one or the end, all would be late by that. On a
  -- busy machine one or the other may come late all the same.
  table.sort(late)
  assert(late[1] < 0.9, ('lines are seen %.2f, %.2f and %.2f s after they were printed'):format(unpack(late)))
  local text = t.shows("{'loss': 0.16666666666666666}")
  t.equal(vim.iter(text:gmatch('epoch (%d) at')):totable(), { '1', '2', '3' }, 'each line once and in order')
  t.contains(text, 'train() on local succeeded in ')
  t.equal(vim.api.nvim_get_current_buf(), t.buf, 'the cursor stays in the file')
  t.contains(t.lens(5, 'ok'), 'Run on local')
  t.contains(t.notice('train() on local').message, "{'loss': 0.16666666666666666}")
end)

t.test('standard output and standard error can be told apart', function()
  t.open('two.py', 'import sys\n\ndef two():\n    print("to out", flush=True)\n    print("to err", file=sys.stderr, flush=True)\n')
  t.attached()
  t.to('def two')
  t.press('<Space>hr')
  t.shows('to err')
  t.shows('two() on local succeeded')
  local _, win, buf = t.output()
  local ranks = {}
  for row, line in ipairs(vim.api.nvim_buf_get_lines(buf, 0, -1, false)) do
    ranks[line] = row
  end
  vim.cmd.redraw()
  -- What is drawn, not what is meant: the colours of the screen's own cells.
  local place = vim.fn.screenpos(win, ranks['to out'], 1)
  local other = vim.fn.screenpos(win, ranks['to err'], 1)
  assert(place.row > 0 and other.row > 0, 'both lines are on the screen')
  assert(vim.fn.screenattr(place.row, place.col) ~= vim.fn.screenattr(other.row, other.col), 'both lines look the same')
end)

t.test('a failing function marks its line', function()
  t.open('fails.py', '"""A module."""\n\n\ndef fails(n):\n    x = n\n    return 1 / (x - n)\n\n\ndef run():\n    return fails(3)\n')
  t.attached()
  t.to('def run')
  t.press('<Space>hr')
  local job = t.finished()
  t.equal(job.state, 'failed')
  local found = t.eventually('the diagnostic', 30000, function()
    local found = t.diagnostics('ZeroDivisionError')
    return found[6] and found
  end)
  t.contains(found[6], 'division by zero')
  t.contains(t.shows('run() on local failed'), 'File "fails.py", line 6, in fails\n')
  t.lens(9, 'failed')
  local notice = t.notice('run() on local failed')
  t.equal(notice.level, vim.log.levels.ERROR)
  t.contains(notice.message, 'ZeroDivisionError')
end)

t.test('a failing nested function marks its own line; Enter in the output goes there', function()
  t.open('nested.py', TRAIN)
  t.attached()
  t.to('values = [1, 2]')
  t.press('<Space>hr')
  local job = t.finished()
  t.equal(job.entry, 'outer.<locals>.inner')
  t.equal(job.state, 'failed')
  t.eventually('the diagnostic on line 14', 30000, function()
    return t.diagnostics('IndexError')[14]
  end, function()
    return vim.inspect(vim.diagnostic.get(t.buf))
  end)
  local text, win = t.output()
  vim.api.nvim_set_current_win(win)
  local row
  for number, line in ipairs(vim.split(text, '\n')) do
    if line:find('File "nested.py", line 14', 1, true) then
      row = number
    end
  end
  assert(row, text)
  vim.api.nvim_win_set_cursor(win, { row, 0 })
  t.press('<CR>')
  t.equal(vim.api.nvim_get_current_buf(), t.buf)
  t.equal(vim.api.nvim_win_get_cursor(0)[1], 14)
end)

t.test('the arguments are asked for', function()
  t.open('train.py', 'def train(lr, epochs=3):\n    return lr * epochs\n')
  t.attached()
  t.answer = 'lr=0.5, epochs=4'
  t.to('def train')
  t.press('<Space>ha')
  t.contains(t.notice('Arguments of').message, 'train')
  local job = t.finished()
  t.equal(job.result and job.result.repr, '2.0')
  t.contains(t.shows('2.0'), 'train(lr=0.5, epochs=4) on local succeeded')
end)

t.test('turning away from the arguments runs nothing', function()
  t.open('train.py', 'def train(lr):\n    return lr\n')
  t.attached()
  t.to('def train')
  t.press('<Space>ha')
  t.notice('Arguments of')
  vim.wait(500)
  t.equal(t.job(), nil, 'a job')
end)

t.test('arguments can be typed with the command', function()
  t.open('train.py', 'def train(lr):\n    return [lr]\n')
  t.attached()
  t.to('def train')
  vim.cmd('Hoist args "a b"')
  t.shows("['a b']")
end)

t.test('a sweep runs for every combination of values, and its table is shown', function()
  t.open('train.py', 'def train(lr, seed):\n    return [lr, seed]\n')
  t.attached()
  t.to('def train')
  t.choose = 'Show the table'
  vim.cmd('Hoist sweep lr=["a", "b"], seed=range(2)')
  t.notice('4 succeeded')
  local rows = t.eventually('the table', 30000, function()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
      local buf = vim.api.nvim_win_get_buf(window)
      if vim.endswith(vim.api.nvim_buf_get_name(buf), 'sweep.txt') then
        return vim.api.nvim_buf_get_lines(buf, 0, -1, false)
      end
    end
  end)
  local text = table.concat(rows, '\n')
  for _, result in ipairs({ "['a', 0]", "['a', 1]", "['b', 0]", "['b', 1]" }) do
    assert(text:find(result, 1, true), text)
  end
end)

t.test('a function runs for each item of a file, after it was said what that is', function()
  t.open('train.py', 'def train(lr, seed=0):\n    return [lr, seed]\n')
  t.write('in/items.jsonl', '{"lr": "a", "seed": 4}\n["b"]\n')
  t.attached()
  t.to('def train')
  -- The first choice is among files; nobody agrees to the second.
  t.choose = 'items.jsonl'
  vim.cmd('Hoist map')
  t.notice('Run train once for each item of')
  t.notice('Run train for each of the 2 items of in/items.jsonl on local?\nThe first is train(lr=\'a\', seed=4)')
  t.choose = 'Yes'
  vim.cmd('cd ' .. vim.fn.fnameescape(t.folder))
  t.equal(require('hoist.command').complete('in/', 'Hoist map in/'), { 'in/items.jsonl' })
  vim.cmd('Hoist map in/items.jsonl')
  t.notice('2 succeeded')
  local results = t.eventually('both results', 30000, function()
    local found = {}
    for _, job in ipairs(require('hoist.jobs').all()) do
      if not t.before[job.job] and job.result then
        found[#found + 1] = job.result.repr
      end
    end
    table.sort(found)
    return #found == 2 and found
  end)
  t.equal(results, { "['a', 4]", "['b', 0]" })
  t.write('in/wrong.jsonl', '{"lr": 1}\n\n{"rate": 2}\n')
  t.choose = 'Go to the line'
  vim.cmd('Hoist map in/wrong.jsonl')
  t.notice('in/wrong.jsonl:3: ')
  t.eventually('the line', 30000, function()
    return vim.endswith(vim.api.nvim_buf_get_name(0), 'in/wrong.jsonl') and vim.api.nvim_win_get_cursor(0)[1] == 3
  end)
end)

t.test('a running job is cancelled by key', function()
  t.open('long.py', 'import time\n\ndef long():\n    print("started", flush=True)\n    time.sleep(60)\n')
  t.attached()
  t.to('def long')
  t.press('<Space>hr')
  t.shows('started')
  assert(require('hoist').status():find('^hoist: long running %d+ s on local$'), require('hoist').status())
  t.press('<Space>hc')
  local job = t.finished()
  t.equal(job.state, 'cancelled')
  t.shows('long() on local cancelled')
  t.equal(require('hoist').status(), '')
end)

t.test('a file with Windows line ends runs, and its failing line is found', function()
  t.open('win.py', 'TEXT = """a\r\nb"""\r\n\r\ndef win():\r\n    print(repr(TEXT))\r\n    raise KeyError("gone")\r\n')
  t.attached()
  t.equal(vim.bo[t.buf].fileformat, 'dos')
  t.lens(4, 'Run on local')
  t.to('def win')
  t.press('<Space>hr')
  t.finished()
  t.shows("'a\\nb'")
  t.eventually('the diagnostic on line 6', 30000, function()
    return t.diagnostics('KeyError')[6]
  end)
end)

t.test('what the buffer shows is what runs, saved or not', function()
  t.open('unsaved.py', 'def value():\n    return "on disk"\n')
  t.attached()
  t.to('return')
  vim.api.nvim_buf_set_lines(t.buf, 1, 2, false, { '    return "in the buffer"' })
  t.press('<Space>hr')
  t.equal(t.finished().result.repr, "'in the buffer'")
  assert(vim.bo[t.buf].modified, 'the buffer was written')
end)

t.test('selected lines run', function()
  t.open('cells.py', 'a = 20\nb = 22\na + b\nraise SystemExit("not selected")\n')
  t.attached()
  t.press('ggVjj<Space>hr')
  local job = t.finished()
  t.equal(job.entry, '1-3')
  t.equal(job.result and job.result.repr, '42')
end)

t.test('a refusal is one sentence, and nothing runs', function()
  t.open('refused.py', 'def train(lr):\n    return lr\n')
  t.attached()
  t.to('def train')
  vim.cmd('Hoist args rate=1')
  local notice = t.notice('rate')
  assert(not notice.message:find('\n'), notice.message)
  t.equal(#vim.tbl_filter(function(one)
    return one.message:find('rate', 1, true)
  end, t.notices), 1, 'said once')
  t.equal(t.job(), nil, 'a job')
end)

t.test('outside of a function the key says so', function()
  t.open('top.py', 'x = 1\n')
  t.attached()
  t.press('<Space>hr')
  t.notice('The cursor is in no function that can run')
end)

t.test('a hundred thousand lines are shown whole, and Neovim stays awake', function()
  t.open('many.py', 'def many():\n    for i in range(100000):\n        print("line", i)\n')
  t.attached()
  t.to('def many')
  local longest, last = 0, vim.uv.hrtime()
  local timer = vim.uv.new_timer()
  timer:start(0, 10, vim.schedule_wrap(function()
    local now = vim.uv.hrtime()
    longest, last = math.max(longest, (now - last) / 1e9), now
  end))
  t.press('<Space>hr')
  t.finished()
  local text = t.shows('many() on local succeeded')
  timer:stop()
  timer:close()
  local lines = vim.split(text, '\n')
  for i = 0, 99999 do
    if lines[i + 1] ~= 'line ' .. i then
      error(('row %d is %q'):format(i + 1, lines[i + 1]))
    end
  end
  assert(longest < 5, ('Neovim did not answer for %.1f s'):format(longest))
end)

t.test('the output follows its end, until the cursor is moved up', function()
  t.open('steps.py', 'import time\n\ndef steps():\n    for i in range(60):\n        print("step", i, flush=True)\n        time.sleep(0.05)\n')
  t.attached()
  t.to('def steps')
  t.press('<Space>hr')
  t.shows('step 20')
  local _, win, buf = t.output()
  t.equal(vim.api.nvim_win_get_cursor(win)[1], vim.api.nvim_buf_line_count(buf), 'follows')
  vim.api.nvim_win_set_cursor(win, { 5, 0 })
  t.shows('step 40')
  t.equal(vim.api.nvim_win_get_cursor(win)[1], 5, 'stays where the user is')
  vim.api.nvim_win_set_cursor(win, { vim.api.nvim_buf_line_count(buf), 0 })
  t.shows('steps() on local succeeded')
  t.equal(vim.api.nvim_win_get_cursor(win)[1], vim.api.nvim_buf_line_count(buf), 'follows again')
end)

t.test('a progress bar stays on one row', function()
  t.open('bar.py', 'import sys, time\n\ndef bar():\n    for i in range(101):\n        sys.stderr.write("\\r%3d%%|%s|" % (i, "#" * (i // 10)))\n        sys.stderr.flush()\n    sys.stderr.write("\\n")\n    print("\\033[32mdone\\033[0m")\n')
  t.attached()
  t.to('def bar')
  t.press('<Space>hr')
  local text = t.shows('bar() on local succeeded')
  t.contains(text, '100%|##########|\n')
  t.contains(text, 'done\n')
  assert(#vim.split(text, '%%|') == 2, text)
  assert(not text:find('\27'), 'escape sequences in the output')
end)

t.test('the list of jobs: Enter shows the output, c cancels', function()
  t.open('listed.py', 'import time\n\ndef first():\n    print("from first")\n    return 1\n\ndef second():\n    time.sleep(60)\n')
  t.attached()
  t.to('def first')
  t.press('<Space>hr')
  t.equal(t.finished().name, 'first')
  t.to('def second')
  t.press('<Space>hr')
  t.eventually('the second job', 30000, function()
    local job = t.job()
    return job.name == 'second' and job.state == 'running'
  end)
  t.press('<Space>hj')
  local function list()
    return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
  end
  t.eventually('the list', 30000, function()
    return vim.bo.filetype == 'hoistjobs' and list():find('second()', 1, true)
  end)
  local rows = vim.api.nvim_buf_get_lines(0, 0, -1, false)
  assert(rows[2]:find('^running +second%(%) +local '), rows[2])
  assert(rows[3]:find('^succeeded +first%(%) +local '), rows[3])
  t.equal(vim.api.nvim_win_get_cursor(0)[1], 2)
  t.press('c')
  t.eventually('the cancelled job', 30000, function()
    return list():find('cancelled +second')
  end, list)
  local list_window = vim.api.nvim_get_current_win()
  vim.api.nvim_win_set_cursor(0, { 3, 0 })
  t.press('<CR>')
  t.shows('from first')
  vim.api.nvim_set_current_win(list_window)
  t.press('q')
  assert(not vim.api.nvim_win_is_valid(list_window), 'the list is still open')
end)

t.test('the newest job runs once more, from the text as it is now', function()
  t.open('again.py', 'def value():\n    return 1\n')
  t.attached()
  t.to('return')
  t.press('<Space>hr')
  t.equal(t.finished().result.repr, '1')
  vim.api.nvim_buf_set_lines(t.buf, 1, 2, false, { '    return 2' })
  t.press('<Space>hh')
  t.eventually('the second result', 30000, function()
    local job = t.job()
    return job.result and job.result.repr == '2'
  end)
end)

t.test('a lens runs by Neovim\'s own command too', function()
  t.open('lens.py', 'def value():\n    return "by lens"\n')
  t.attached()
  t.lens(1, 'Run on local')
  t.choose = 'Run on local'
  t.to('def value')
  vim.lsp.codelens.run()
  t.shows("'by lens'")
end)

t.test('an unknown word says what is known', function()
  t.open('x.py', 'def x():\n    pass\n')
  vim.cmd('Hoist rnu')
  t.contains(t.notice(':Hoist knows no "rnu"').message, 'run')
  t.equal(vim.fn.getcompletion('Hoist r', 'cmdline'), { 'restart', 'result', 'run' })
end)

t.test('names of functions and targets are completed', function()
  t.open('names.py', 'def alpha():\n    pass\n\ndef beta():\n    pass\n')
  t.attached()
  t.equal(vim.fn.getcompletion('Hoist run ', 'cmdline'), { 'alpha', 'beta' })
  assert(vim.tbl_contains(vim.fn.getcompletion('Hoist target ', 'cmdline'), 'local'))
  vim.cmd('Hoist target nowhere')
  t.contains(t.notice('There is no target nowhere').message, 'local')
end)

t.test('runs go to the target that one chooses, and the lenses say so', function()
  t.open('chosen.py', 'def chosen():\n    return 1\n\n# hoist: target=local\ndef fixed():\n    return 2\n')
  vim.cmd.bwipeout()
  t.write('hoist.toml', '[targets.bench]\nscheduler = "none"\n')
  vim.cmd.edit(t.folder .. '/chosen.py')
  t.buf, t.win = vim.api.nvim_get_current_buf(), vim.api.nvim_get_current_win()
  t.attached()
  t.lens(1, 'Run on local')
  t.choose = 'bench'
  t.press('<Space>ht')
  t.notice('Hoist runs on bench from now on')
  t.lens(1, 'Run on bench')
  t.lens(5, 'Run on local')
  t.to('return 1')
  t.press('<Space>hr')
  t.equal(t.finished().target, 'bench')
  vim.cmd('Hoist target local')
  t.lens(1, 'Run on local')
  vim.g.hoist = nil
end)

t.test('a file without a workspace runs', function()
  t.open('single.py', 'def value():\n    return __name__\n')
  local client = t.attached()
  t.equal(client.config.root_dir, nil)
  t.to('return')
  t.press('<Space>hr')
  t.equal(t.finished().result.repr, "'single'")
end)

t.test('a workspace is found by its hoist.toml; code of other files travels', function()
  t.open('src/main.py', 'import helper\n\ndef go():\n    return helper.VALUE\n')
  vim.cmd.bwipeout()
  t.write('hoist.toml', '')
  t.write('src/helper.py', 'VALUE = 7\n')
  vim.cmd.edit(t.folder .. '/src/main.py')
  t.buf, t.win = vim.api.nvim_get_current_buf(), vim.api.nvim_get_current_win()
  t.equal(vim.uv.fs_realpath(t.attached().config.root_dir), vim.uv.fs_realpath(t.folder))
  t.to('return')
  t.press('<Space>hr')
  t.equal(t.finished().result.repr, '7')
end)

t.test('what would travel is shown beside the file, not in its place', function()
  t.open('travels.py', 'def value():\n    return 1\n\ndef other():\n    return 2\n')
  t.attached()
  t.to('return 1')
  vim.cmd('Hoist package')
  t.eventually('the list', 30000, function()
    return vim.api.nvim_get_current_buf() ~= t.buf and table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n'):find('travels.py', 1, true)
  end)
  t.equal(vim.api.nvim_win_get_buf(t.win), t.buf)
end)

t.test('the script of a job is shown as it would be submitted and cannot be changed', function()
  t.open('scripted.py', '# hoist: time=2h\ndef value():\n    return 1\n')
  t.attached()
  t.to('return 1')
  vim.cmd('Hoist script')
  t.eventually('the script', 30000, function()
    return vim.api.nvim_get_current_buf() ~= t.buf and vim.bo.filetype == 'sh'
  end)
  local text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
  t.contains(text, '#!/bin/sh')
  t.contains(text, 'hoist_package=')
  t.equal(vim.bo.modifiable, false)
  t.equal(vim.api.nvim_win_get_buf(t.win), t.buf)
end)

t.test('checkhealth is content', function()
  t.open('x.py', 'def x():\n    pass\n')
  t.attached()
  vim.cmd('checkhealth hoist')
  local text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
  t.contains(text, 'target local')
  assert(not text:find('ERROR') and not text:find('WARNING'), text)
end)

t.test('a server that ends is told of, and can be started again', function()
  t.open('x.py', 'def x():\n    return "alive"\n')
  local client = t.attached()
  client.rpc.terminate()
  vim.wait(300)
  vim.cmd('Hoist restart')
  t.eventually('another server', 30000, function()
    local now = vim.lsp.get_clients({ name = 'hoist', bufnr = t.buf })[1]
    return now and now.id ~= client.id
  end)
  t.to('return')
  t.press('<Space>hr')
  t.shows("'alive'")
end)

local LEAVES = [[
import os

def leaves():
    folder = os.environ["HOIST_JOB_DIR"] + "/figures"
    os.mkdir(folder)
    with open(folder + "/1.png", "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x02")
    with open("scores.csv", "w") as file:
        file.write("fold,score\n1,0.9\n")
    return {"folds": 1}
]]

t.test('what a job leaves is told, shown and opened', function()
  t.open('leaves.py', LEAVES)
  t.attached()
  t.to('def leaves')
  t.press('<Space>hr')
  t.finished()
  t.contains(t.notice('leaves() drew').message, '1.png')
  vim.cmd('Hoist result')
  t.eventually('the page of the result', 30000, function()
    local text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
    return text:find("{'folds': 1}", 1, true) and text:find('scores.csv (17 B): /', 1, true)
  end)
  vim.cmd.close()
  -- The server asks which one: the text opens in a split, the picture in the system's own programme.
  local opened
  vim.ui.open = function(path)
    opened = path
  end
  local wanted
  vim.ui.select = function(items, _, done)
    t.equal(items, { 'figures/1.png', 'result.pickle', 'files/scores.csv' })
    done(wanted)
  end
  wanted = 'files/scores.csv'
  vim.cmd('Hoist files')
  t.eventually('the file', 30000, function()
    return vim.api.nvim_buf_get_lines(0, 0, -1, false)[2] == '1,0.9'
  end)
  vim.cmd.close()
  wanted = 'figures/1.png'
  vim.cmd('Hoist files')
  t.eventually('the figure', 30000, function()
    return opened and vim.endswith(opened, '/figures/1.png')
  end)
end)

t.test('a path that is not on the target is underlined until it is made', function()
  t.open('paths.py', 'print()\n')
  local folder = t.folder .. '/lab'
  vim.api.nvim_buf_set_lines(t.buf, 0, -1, false, {
    'from hoist import cluster_ls',
    '',
    'def look():',
    ('    return cluster_ls("%s")'):format(folder),
  })
  t.attached()
  t.eventually('the warning on line 4', 60000, function()
    return t.diagnostics('there is nothing at')[4]
  end, function()
    return vim.inspect(vim.diagnostic.get(t.buf))
  end)
  vim.fn.mkdir(folder)
  vim.cmd('silent write')
  t.eventually('no warning', 60000, function()
    return next(t.diagnostics('there is nothing at')) == nil
  end, function()
    return vim.inspect(vim.diagnostic.get(t.buf))
  end)
end)
