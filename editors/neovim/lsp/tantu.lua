-- The server as `vim.lsp.enable('tantu')` starts it. Change any of it with `vim.lsp.config('tantu', { … })`.
local card = require('tantu.card')
local config = {
  cmd = { 'tantu', 'lsp' },
  filetypes = { 'python' },
  root_markers = { { 'pyproject.toml', 'tantu.toml', 'setup.py', 'setup.cfg' }, '.git' },
  commands = { ['tantu.showCallers'] = require('tantu').show_callers },
  capabilities = { experimental = { tantu = { coverage = true, input = true } } },
  handlers = {
    ['tantu/coverage'] = require('tantu.coverage').show,
    ['tantu/input'] = card.input,
    ['window/showDocument'] = card.show,
    ['window/showMessageRequest'] = card.ask,
  },
}
-- Neovim 0.11 draws code lenses but cannot be told to ask for them again; later versions can.
if not vim.lsp.codelens.enable then
  config.capabilities.workspace = { codeLens = { refreshSupport = true } }
  config.handlers['workspace/codeLens/refresh'] = function()
    vim.lsp.codelens.refresh()
    return vim.NIL
  end
end
return config
