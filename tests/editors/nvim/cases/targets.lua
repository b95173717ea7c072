-- The same over a real sshd and a real Slurm (tests/clusters). Without them there is nothing to test here.
local t = ...

if not vim.env.HOIST_TEST_HOME then
  io.stdout:write('# HOIST_TEST_HOME is not set: nothing runs on ssh and slurm here (tests/clusters starts them)\n')
  return
end

local PROGRAMME = [[
import os
import sys
import time

def train(epochs=3):
    for epoch in range(epochs):
        print("epoch", epoch + 1, "at", time.time())
        print("said on standard error", file=sys.stderr)
        time.sleep(1)
    return {"epochs": epochs, "there": "SLURM_JOB_ID" in os.environ}

class Study:
    def test(self):
        def work():
            values = {"a": 1}
            return values["b"]
        return work()

def long():
    print("started")
    time.sleep(120)
]]

-- The first of all: nothing has run there yet.
t.test(':Hoist connect logs in, and what is not there is known without a run', function()
  t.open('look.py', 'from hoist import cluster_ls\n\n# hoist: target=ssh\ndef look():\n    return cluster_ls("/usr/none")\n')
  t.attached()
  t.equal(t.diagnostics('there is nothing at')[5], nil)
  vim.cmd('Hoist connect ssh')
  t.notice('ssh is connected: Python 3')
  t.eventually('the diagnostic on line 5', 30000, function()
    return t.diagnostics('there is nothing at')[5]
  end, function()
    return vim.inspect(vim.diagnostic.get(t.buf))
  end)
end)

for _, target in ipairs({ 'ssh', 'slurm' }) do
  t.test(target .. ': lines show as they are printed, then the result', function()
    t.open('train.py', PROGRAMME)
    t.attached()
    t.to('def train')
    vim.cmd('Hoist on ' .. target)
    local late = {}
    for epoch = 1, 3 do
      local text = t.shows(('epoch %d at '):format(epoch))
      local printed = tonumber(text:match(('epoch %d at ([%%d.]+)'):format(epoch)))
      local seconds, micro = vim.uv.gettimeofday()
      late[epoch] = seconds + micro / 1e6 - printed
    end
    table.sort(late)
    assert(late[1] < 0.9, ('lines are seen %.2f, %.2f and %.2f s after they were printed'):format(unpack(late)))
    local text = t.shows(('train() on %s succeeded'):format(target))
    t.contains(text, ("{'epochs': 3, 'there': %s}"):format(target == 'slurm' and 'True' or 'False'))
    local _, said = text:gsub('said on standard error\n', '')
    t.equal(said, 3)
  end)

  t.test(target .. ': a failing nested function marks its line', function()
    t.open('nested.py', PROGRAMME)
    t.attached()
    t.to('values["b"]')
    vim.cmd('Hoist on ' .. target)
    local job = t.finished()
    t.equal(job.state, 'failed')
    t.equal(job.entry, 'Study.test.<locals>.work')
    t.eventually('the diagnostic on line 16', 30000, function()
      return t.diagnostics('KeyError')[16]
    end, function()
      return vim.inspect(vim.diagnostic.get(t.buf))
    end)
  end)

  t.test(target .. ': a running job is cancelled by key', function()
    t.open('long.py', PROGRAMME)
    t.attached()
    t.to('def long')
    vim.cmd('Hoist on ' .. target)
    t.shows('started')
    t.press('<Space>hc')
    t.equal(t.finished().state, 'cancelled')
  end)
end

t.test('an unknown host is asked about with its fingerprint; No runs nothing there', function()
  t.open('host.py', 'def host():\n    return 1\n')
  vim.cmd.bwipeout()
  t.write('hoist.toml', '[targets.strange]\nhost = "hoist-unknown"\nscheduler = "none"\n')
  vim.cmd.edit(t.folder .. '/host.py')
  t.buf, t.win = vim.api.nvim_get_current_buf(), vim.api.nvim_get_current_win()
  t.attached()
  t.choose = 'No'
  t.to('def host')
  vim.cmd('Hoist on strange')
  local notice = t.notice('SHA256:')
  t.equal(notice.items, { 'No', 'Yes' })
  local job = t.finished()
  assert(job.state ~= 'succeeded' and not job.result, vim.inspect(job))
  t.contains(job.reason or '', 'key')
end)
