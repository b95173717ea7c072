--- Hoist for Neovim: what other files of the user's may call. Everything else is inside.
local M = {}

--- Settings by function instead of by `vim.g.hoist`; what is set here goes before it.
---@param settings table|nil
function M.setup(settings)
  vim.g.hoist = vim.tbl_deep_extend('force', type(vim.g.hoist) == 'table' and vim.g.hoist or {}, settings or {})
end

--- A few words for a statusline: what runs now. Empty when nothing does, so that it takes no room.
---@return string
function M.status()
  if not package.loaded['hoist.jobs'] then
    return ''
  end
  local util = require('hoist.util')
  local running = require('hoist.jobs').unfinished()
  if #running == 0 then
    return ''
  elseif #running > 1 then
    return ('hoist: %d jobs'):format(#running)
  end
  local job = running[1]
  local took = util.took(job)
  return ('hoist: %s %s%s on %s'):format(job.name, util.state_words(job.state), took and ' ' .. took or '', job.target)
end

--- The jobs that this Neovim has heard of, the newest first, each in the shape of `hoist/jobChanged` (editors/PROTOCOL.md).
---@return table[]
function M.jobs()
  return require('hoist.jobs').all()
end

--- Runs a function: `entry` (nil is the one at the cursor), `args`, `target`, `buf`.
---@param run { entry?: string, args?: string, target?: string, buf?: integer }|nil
function M.run(run)
  require('hoist.run').start(vim.tbl_extend('force', run or {}, { command = 'hoist.run' }))
end

return M
