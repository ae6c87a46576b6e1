//! The public name of a function: its own, or the value of `name`.

use proc_macro2::TokenStream;
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprLit, ItemFn, Lit, LitStr, MetaNameValue};

/// Reads the argument of `#[isopod::KIND]`, where `kind` is `task` or `function`.
pub(crate) fn read(kind: &str, attribute: TokenStream, function: &ItemFn) -> Result<LitStr, Error> {
    let ident = &function.sig.ident;
    if attribute.is_empty() {
        // The name of a raw identifier is its word without `r#`.
        let name = ident.to_string();
        let name = name.strip_prefix("r#").unwrap_or(&name);
        return Ok(LitStr::new(name, ident.span()));
    }
    let text =
        format!("`#[isopod::{kind}]` takes a name or nothing: `#[isopod::{kind}(name = \"...\")]`");
    let parsed = <MetaNameValue as syn::parse::Parse>::parse
        .parse2(attribute.clone())
        .map_err(|_| Error::new(attribute.span(), &text))?;
    match &parsed.value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(name),
            ..
        }) if parsed.path.is_ident("name") => {
            if name.value().is_empty() {
                let text = format!("the name of a {kind} is not empty");
                return Err(Error::new(name.span(), text));
            }
            Ok(name.clone())
        }
        _ => Err(Error::new(attribute.span(), &text)),
    }
}
