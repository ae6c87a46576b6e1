//! `#[isopod::main]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{Error, ItemFn, ReturnType};

/// The expansion: an outer main that contains the user's main and passes it to the library. Errors become
/// `compile_error!` beside the unchanged item, so that no other errors follow from them.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let function = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => function,
        Err(_) => {
            return Error::new_spanned(&item, "`#[isopod::main]` belongs on the function `main`")
                .into_compile_error();
        }
    };
    match check(&attribute, &function) {
        Ok(()) => wrap(&function),
        Err(error) => {
            let error = error.into_compile_error();
            // Without a main function, rustc would also report that there is none.
            quote! { #error fn main() {} }
        }
    }
}

fn wrap(function: &ItemFn) -> TokenStream {
    let ItemFn { attrs, vis, .. } = function;
    let inner = {
        let mut inner = function.clone();
        inner.attrs.clear();
        inner.vis = syn::Visibility::Inherited;
        inner
    };
    // The expansion names the type, so that an error about the type points to it.
    let output = match &function.sig.output {
        syn::ReturnType::Default => quote! { () },
        syn::ReturnType::Type(_, output) => quote! { #output },
    };
    quote! {
        #(#attrs)*
        #vis fn main() -> ::std::process::ExitCode {
            #inner
            ::isopod::__private::start::<#output>(main)
        }
    }
}

fn check(attribute: &TokenStream, function: &ItemFn) -> Result<(), Error> {
    let signature = &function.sig;
    let refuse = |tokens: &dyn ToTokens, text: &str| Err(Error::new(tokens.span(), text));
    if !attribute.is_empty() {
        return refuse(attribute, "`#[isopod::main]` takes no arguments");
    }
    if signature.ident != "main" {
        return refuse(
            &signature.ident,
            "`#[isopod::main]` belongs on the function `main`; other functions need no mark to be \
             run by a process",
        );
    }
    if let Some(asyncness) = &signature.asyncness {
        return refuse(
            asyncness,
            "`main` cannot be async: a process waits by blocking, and the host runs others meanwhile",
        );
    }
    if let Some(constness) = &signature.constness {
        return refuse(constness, "`main` cannot be const");
    }
    if let Some(unsafety) = &signature.unsafety {
        return refuse(unsafety, "`main` cannot be unsafe");
    }
    if let Some(abi) = &signature.abi {
        return refuse(abi, "`main` cannot have an ABI of its own");
    }
    if !signature.generics.params.is_empty() || signature.generics.where_clause.is_some() {
        return refuse(&signature.generics, "`main` cannot be generic");
    }
    if !signature.inputs.is_empty() {
        return refuse(
            &signature.inputs,
            "`main` takes no arguments: those of the program are in `std::env::args()`",
        );
    }
    if let ReturnType::Type(_, output) = &signature.output
        && matches!(**output, syn::Type::ImplTrait(_))
    {
        return refuse(
            output,
            "`main` cannot return `impl Trait` here: name the type",
        );
    }
    Ok(())
}
