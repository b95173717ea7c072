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

vim.api.nvim_create_user_command('Hoist', function(options)
  require('hoist.command').execute(options)
end, {
  nargs = '*',
  range = true,
  complete = function(...)
    return require('hoist.command').complete(...)
  end,
  desc = 'Hoist: run Python functions on a cluster',
})

require('hoist.keys').define_plugs()
require('hoist.server').enable()
