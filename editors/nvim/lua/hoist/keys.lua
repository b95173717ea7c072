--- The keys of Python buffers. Every key is a `<Plug>` mapping, so that any other key can be put on it.
local config = require('hoist.config')

local M = {}

local modes = { run = { 'n', 'x' } }
local what = {
  run = 'run the function at the cursor',
  args = 'run it with arguments',
  cancel = 'cancel the running job',
  output = "show the newest job's output",
  jobs = 'list the jobs',
  again = 'run the newest job once more',
  target = 'choose where runs go',
}

--- `<Plug>(hoist-run)` and the others, for every buffer.
function M.define_plugs()
  for action, sentence in pairs(what) do
    vim.keymap.set('n', ('<Plug>(hoist-%s)'):format(action), ('<Cmd>Hoist %s<CR>'):format(action), { desc = 'Hoist: ' .. sentence })
  end
  vim.keymap.set('x', '<Plug>(hoist-run)', ':Hoist run<CR>', { desc = 'Hoist: run the selected lines', silent = true })
end

--- Puts the user's keys, or the default ones, on a buffer that the server looks after. A key that is taken in this buffer stays as it is.
---@param buf integer
function M.attach(buf)
  local keys = config.get().keys
  if not keys then
    return
  end
  for action, key in pairs(keys) do
    if key and what[action] then
      for _, mode in ipairs(modes[action] or { 'n' }) do
        local taken = vim.api.nvim_buf_call(buf, function()
          return vim.fn.maparg(key, mode, false, true)
        end)
        if vim.tbl_isempty(taken) then
          vim.keymap.set(mode, key, ('<Plug>(hoist-%s)'):format(action), { buffer = buf, remap = true, desc = 'Hoist: ' .. what[action] })
        end
      end
    end
  end
end

return M
