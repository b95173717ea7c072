--- `:checkhealth hoist`
local M = {}

function M.check()
  local health = vim.health
  local config = require('hoist.config')
  local server = require('hoist.server')
  health.start('Hoist')
  if vim.fn.has('nvim-0.10') == 0 then
    health.error('Neovim is older than 0.10.', 'Install Neovim 0.10 or newer.')
    return
  end
  health.ok('Neovim ' .. tostring(vim.version()))

  local problems = config.problems(vim.g.hoist)
  for _, problem in ipairs(problems) do
    health.warn(problem)
  end
  if #problems == 0 then
    health.ok('The settings are sound.')
  end

  local command, sentence = server.command()
  if not command then
    health.error(sentence)
    return
  end
  local answer = vim.system({ command[1], '--version' }, { text = true, timeout = 10000 }):wait()
  if answer.code ~= 0 then
    health.error(('%s does not start (status %d): %s'):format(command[1], answer.code, vim.trim(answer.stderr or '')))
    return
  end
  health.ok(('%s: %s (found by %s)'):format(command[1], vim.trim(answer.stdout), sentence))

  local clients = vim.lsp.get_clients({ name = 'hoist' })
  if #clients == 0 then
    health.info('No server runs now; it starts with the first Python file.')
  end
  for _, client in ipairs(clients) do
    health.ok(('The server looks after %d buffers of %s.'):format(vim.tbl_count(client.attached_buffers), client.config.root_dir or 'single files'))
    local targets
    require('hoist.util').request(client, 'hoist/targets', vim.empty_dict(), function(err, found)
      targets = err and { err = err } or found
    end)
    vim.wait(5000, function()
      return targets ~= nil
    end, 20)
    if not targets then
      health.error('The server does not answer.', '":Hoist restart" starts it anew; ":Hoist log" shows what it said.')
    elseif targets.err then
      health.error(targets.err.message)
    else
      for _, target in ipairs(targets) do
        health.info(('target %s: %s%s%s'):format(
          target.name,
          target.scheduler == 'none' and 'a plain process' or target.scheduler,
          target.host and ' on ' .. target.host or ' on this machine',
          target.default and ' (the default)' or ''
        ))
      end
    end
  end
end

return M
