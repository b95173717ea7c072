-- Runs once at Neovim's start: the command, the <Plug> mappings, the colours, and the server for Python files.
if vim.g.loaded_hoist then
  return
end
vim.g.loaded_hoist = true

if vim.fn.has('nvim-0.10') == 0 then
  vim.api.nvim_echo({ { 'Hoist needs Neovim 0.10 or newer.', 'WarningMsg' } }, true, {})
  return
end

-- Links to groups that every colour scheme has; a scheme or the user may set them otherwise.
for group, link in pairs({
  HoistStderr = 'DiagnosticWarn',
  HoistNote = 'Comment',
  HoistSucceeded = 'DiagnosticOk',
  HoistFailed = 'DiagnosticError',
  HoistRunning = 'DiagnosticInfo',
  HoistPlace = 'Directory',
  HoistTitle = 'Title',
}) do
  vim.api.nvim_set_hl(0, group, { link = link, default = true })
end

require('hoist.keys').define_plugs()
require('hoist.command').define()
require('hoist.server').enable()
