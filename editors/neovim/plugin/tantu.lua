vim.api.nvim_create_user_command('Tantu', function(command)
  require('tantu').command(command.fargs)
end, { nargs = '+', complete = 'custom,v:lua.require\'tantu\'.words', desc = 'Run or propose at the cursor' })

vim.api.nvim_create_autocmd('LspAttach', {
  group = vim.api.nvim_create_augroup('tantu', {}),
  callback = function(event)
    if vim.lsp.get_client_by_id(event.data.client_id).name == 'tantu' then
      require('tantu').attach(event.buf)
    end
  end,
})
