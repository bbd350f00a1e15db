vim.api.nvim_create_user_command('Tantu', function(command)
  local first, last
  if command.range > 0 then
    first, last = command.line1, command.line2
  end
  require('tantu').command(command.fargs, first, last)
end, { nargs = '+', range = true, complete = 'custom,v:lua.require\'tantu\'.words', desc = 'Run, propose or draw at the cursor' })

vim.api.nvim_create_autocmd('LspAttach', {
  group = vim.api.nvim_create_augroup('tantu', {}),
  callback = function(event)
    if vim.lsp.get_client_by_id(event.data.client_id).name == 'tantu' then
      require('tantu').attach(event.buf)
    end
  end,
})
